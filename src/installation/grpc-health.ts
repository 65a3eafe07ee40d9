import { connect } from 'node:http2';

/**
 * Asks a server by the standard gRPC health protocol. Done by hand over HTTP/2: loading a gRPC
 * library for one question of a few bytes would take longer than the rest of `mvc status`.
 *
 * @throws if it does not answer within 3 s, or answers that it does not serve.
 */
export async function checkGrpcHealth(host: string, port: number, service: string): Promise<void> {
  const answer = await ask(host, port, encodeRequest(service));
  // Frame header of 5 bytes, then the message: field 1 (status) = 1 (SERVING).
  const serving = answer.length >= 7 && answer[5] === 0x08 && answer[6] === 0x01;
  if (!serving) throw new Error(`${host}:${port} answers, but does not serve yet`);
}

function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const message = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
  const header = Buffer.alloc(5);
  header.writeUInt32BE(message.length, 1);
  return Buffer.concat([header, message]);
}

async function ask(host: string, port: number, body: Buffer): Promise<Buffer> {
  const session = connect(`http://${host}:${port}`);
  try {
    return await new Promise((resolve, reject) => {
      const late = new Error(`${host}:${port} does not answer`);
      session.setTimeout(3_000, () => reject(late));
      session.once('error', reject);
      const request = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.once('end', () => resolve(Buffer.concat(chunks)));
      request.once('error', reject);
      request.end(body);
    });
  } finally {
    session.destroy();
  }
}
