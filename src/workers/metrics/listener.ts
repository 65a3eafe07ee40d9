import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { MetricsAddress } from '../../installation/metrics-address.ts';

/** Ports that are tried after the wanted one, if that is taken. */
const portsToTry = 50;

/** What a worker answers to those who look after it. */
export interface Answers {
  /** Of `/metrics`, in Prometheus' text format. */
  metrics(): Promise<string>;
  /** Of `/healthz`: status 200 if `healthy`, else 503. */
  health(): { healthy: boolean } & Record<string, unknown>;
}

export interface Listener {
  /** Where it listens in fact. */
  address: MetricsAddress;
  close(): Promise<void>;
}

/** Answers `/metrics` and `/healthz`, on the wanted port or the next free one. */
export async function listen(
  wanted: MetricsAddress,
  answers: Answers,
  log: Logger,
): Promise<Listener> {
  const server = createServer((request, response) => {
    void answer(request, response, answers).catch((error: unknown) => {
      log.warn({ error: String(error) }, `${request.url ?? ''} could not be answered`);
      send(response, 500, 'text/plain', 'the worker could not tell; its log says why\n');
    });
  });
  // Scrapers come every few seconds; a slow client must not hold the worker's end up.
  server.requestTimeout = 10_000;
  const port = await bindFirstFree(server, wanted);
  server.on('error', (error) => log.warn({ error: String(error) }, 'the metrics listener failed'));
  server.unref();
  return {
    address: { host: wanted.host, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  answers: Answers,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') {
    send(response, 405, 'text/plain', 'only GET\n');
  } else if (url === '/metrics') {
    send(response, 200, 'text/plain; version=0.0.4; charset=utf-8', await answers.metrics());
  } else if (url === '/healthz') {
    const health = answers.health();
    const text = `${JSON.stringify(health)}\n`;
    send(response, health.healthy ? 200 : 503, 'application/json', text);
  } else {
    send(response, 404, 'text/plain', '/metrics or /healthz\n');
  }
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
}

async function bindFirstFree(server: Server, { host, port }: MetricsAddress): Promise<number> {
  for (let tried = port; ; tried++) {
    try {
      return await bind(server, host, tried);
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!taken || tried - port >= portsToTry || tried >= 65_535) throw error;
    }
  }
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.removeListener('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}
