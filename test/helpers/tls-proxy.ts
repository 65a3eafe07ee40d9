import { once } from 'node:events';
import {
  connect,
  constants,
  createSecureServer,
  type ClientHttp2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { KeyPair } from './certificates.ts';

/** What a caller showed of itself. */
export interface Caller {
  path: string;
  /** Common name of its certificate, if it showed one that is trusted. */
  certificate: string | undefined;
  authorization: string | undefined;
}

export interface TlsProxy {
  address: string;
  callers: Caller[];
  close(): Promise<void>;
}

/**
 * Stands with TLS before an engine that has none, and passes on the calls of those it admits; the
 * others get UNAUTHENTICATED, as from the engine itself.
 */
export async function startTlsProxy(options: {
  /** `host:port` of the engine. */
  target: string;
  pair: KeyPair;
  /** Whose certificates of clients are trusted. */
  clientAuthority: KeyPair;
  /** Ends the handshake with clients that show no trusted certificate. */
  requireCertificate: boolean;
  admits: (caller: Caller) => boolean;
}): Promise<TlsProxy> {
  const upstream = connect(`http://${options.target}`);
  upstream.on('error', () => undefined);
  const server = createSecureServer({
    cert: options.pair.cert,
    key: options.pair.key,
    ca: options.clientAuthority.cert,
    requestCert: true,
    rejectUnauthorized: options.requireCertificate,
  });
  const callers: Caller[] = [];
  const sockets = new Set<TLSSocket>();
  server.on('secureConnection', (socket) => sockets.add(socket));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const caller = callerOf(stream, headers);
    callers.push(caller);
    if (options.admits(caller)) passOn(stream, headers, upstream);
    else
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '16' },
        { endStream: true },
      );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    callers,
    async close() {
      for (const socket of sockets) socket.destroy();
      upstream.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function callerOf(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Caller {
  const socket = stream.session?.socket as TLSSocket | undefined;
  return {
    path: String(headers[':path']),
    certificate: socket?.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined,
    authorization: headers.authorization?.toString(),
  };
}

function passOn(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  upstream: ClientHttp2Session,
): void {
  const request = upstream.request({ ...headers, ':scheme': 'http' });
  stream.pipe(request);
  stream.on('aborted', () => request.close(constants.NGHTTP2_CANCEL));
  request.on('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  request.on('response', (answer, flags) => {
    if (stream.destroyed) return;
    if (flags & constants.NGHTTP2_FLAG_END_STREAM) {
      stream.respond(answer, { endStream: true });
      return;
    }
    let trailers: IncomingHttpHeaders = {};
    request.on('trailers', (each) => (trailers = each));
    stream.respond(answer, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    request.pipe(stream);
  });
}
