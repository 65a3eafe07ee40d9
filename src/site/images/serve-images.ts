import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';

/**
 * Serves the complete images of a directory to the site's LAN: `GET /<digest>`, from an offset if
 * asked. Read-only; the receiver checks the digest. Runs until it is ended.
 */
export function serveImages(address: string, port: number, directory: string): void {
  const server = createServer({ requestTimeout: 30_000 }, (request, response) => {
    answer(request, response, directory).catch(() => response.destroy());
  });
  server.maxConnections = 64;
  server.on('error', (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  server.listen(port, address);
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  directory: string,
): Promise<void> {
  const digest = /^\/([0-9a-f]{64})$/.exec(request.url ?? '')?.[1];
  const found = digest && (await stat(join(directory, `${digest}.img`)).catch(() => undefined));
  if (request.method !== 'GET' || !found) {
    response.writeHead(found ? 405 : 404).end();
    return;
  }
  const range = /^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '');
  const start = Number(range?.[1] ?? 0);
  if (start >= found.size) {
    response.writeHead(416, { 'content-range': `bytes */${found.size}` }).end();
    return;
  }
  response.writeHead(range ? 206 : 200, {
    'content-type': 'application/octet-stream',
    'content-length': found.size - start,
    'accept-ranges': 'bytes',
    ...(range ? { 'content-range': `bytes ${start}-${found.size - 1}/${found.size}` } : {}),
  });
  const file = createReadStream(join(directory, `${digest}.img`), {
    start,
    highWaterMark: 1024 ** 2,
  });
  file.on('error', () => response.destroy());
  response.on('close', () => file.destroy());
  file.pipe(response);
}
