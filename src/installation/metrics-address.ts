import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../domain/failure.ts';
import { readIfPresent, writeAtomically } from './files.ts';
import type { Home } from './home.ts';

export type WorkerName = 'control-worker' | 'site-worker';

/** Where a worker answers Prometheus (`/metrics`) and health checks (`/healthz`). */
const addressSchema = z.object({
  host: z.string().min(1).max(256),
  port: z.int().min(0).max(65_535),
});
export type MetricsAddress = z.infer<typeof addressSchema>;

const usual: Record<WorkerName, MetricsAddress> = {
  'control-worker': { host: '127.0.0.1', port: 9464 },
  'site-worker': { host: '127.0.0.1', port: 9465 },
};

/**
 * Where a worker should listen: MVC_METRICS_ADDRESS (`host`, `host:port`, or `off`), else where it
 * listened the last time, else on its usual port of the loopback address.
 *
 * @returns undefined for `off`.
 * @throws {Failure} BadInput.
 */
export async function wantedMetricsAddress(
  home: Home,
  worker: WorkerName,
  env: NodeJS.ProcessEnv = process.env,
): Promise<MetricsAddress | undefined> {
  const asked = env['MVC_METRICS_ADDRESS'];
  if (asked === 'off') return undefined;
  const known = await readMetricsAddress(home, worker);
  if (!asked) return known ?? usual[worker];
  const { hostname, port } = parseAddress(asked);
  const last = known?.host === hostname ? known.port : usual[worker].port;
  return { host: hostname, port: port === '' ? last : Number(port) };
}

/** Where a worker said last that it listens; undefined if it never did. */
export async function readMetricsAddress(
  home: Home,
  worker: WorkerName,
): Promise<MetricsAddress | undefined> {
  const text = await readIfPresent(metricsFile(home, worker));
  try {
    return text === undefined ? undefined : addressSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

export async function keepMetricsAddress(
  home: Home,
  worker: WorkerName,
  address: MetricsAddress,
): Promise<void> {
  await writeAtomically(metricsFile(home, worker), `${JSON.stringify(address)}\n`);
}

/** As part of a URL and for people: `127.0.0.1:9464`, `[::1]:9464`. */
export function formatAddress({ host, port }: MetricsAddress): string {
  // Whoever listens on all addresses is asked on the loopback one.
  const reached = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `${reached.includes(':') ? `[${reached}]` : reached}:${port}`;
}

function metricsFile(home: Home, worker: WorkerName): string {
  return join(home.run, `${worker}.metrics`);
}

function parseAddress(text: string): { hostname: string; port: string } {
  // With a scheme that has no usual port, so that none is swallowed.
  const url = /^[A-Za-z0-9.:[\]-]+$/.test(text) ? URL.parse(`tcp://${text}`) : null;
  if (url && url.hostname !== '') {
    return { hostname: url.hostname.replaceAll(/[[\]]/g, ''), port: url.port };
  }
  throw new Failure('BadInput', `MVC_METRICS_ADDRESS is no address: ${JSON.stringify(text)}`, {
    help: 'set it to an address such as 127.0.0.1:9464, [::1]:9464, 0.0.0.0, or to off',
  });
}
