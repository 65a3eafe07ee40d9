import { Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Home } from '../installation/home.ts';
import {
  formatAddress,
  keepMetricsAddress,
  wantedMetricsAddress,
  type WorkerName,
} from '../installation/metrics-address.ts';
import { programVersion } from '../installation/program-version.ts';
import { engineLogger } from './engine-log.ts';
import { createActivityMetrics, type ActivityMetrics } from './metrics/activity-metrics.ts';
import { engineMetrics, freeLoopbackPort, readEngineMetrics } from './metrics/engine-exporter.ts';
import { listen } from './metrics/listener.ts';
import { createRegistry } from './metrics/worker-metrics.ts';

/** What a worker measures, and how it answers those who ask. */
export interface Observation {
  registry: Registry;
  activities: ActivityMetrics;
  /** Begins to answer `/metrics` and `/healthz`; the returned function ends it. */
  answer(works: () => boolean): Promise<() => Promise<void>>;
}

/**
 * Sends the engine's own log lines to ours and lets its library measure. Must run before anything else
 * of the engine.
 */
export async function observe(home: Home, worker: WorkerName, log: Logger): Promise<Observation> {
  const program = await programVersion();
  const wanted = await wantedMetricsAddress(home, worker);
  const exporter = wanted && `127.0.0.1:${await freeLoopbackPort()}`;
  Runtime.install({
    logger: engineLogger(log),
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(exporter === undefined ? {} : { metrics: engineMetrics(exporter) }),
    },
  });
  const registry = createRegistry(worker, program);
  const startedAt = new Date().toISOString();

  async function metrics(): Promise<string> {
    const own = await registry.metrics();
    if (exporter === undefined) return own;
    const theirs = await readEngineMetrics(exporter).catch((error: unknown) => {
      log.warn({ error: String(error) }, "the engine's own figures could not be read");
      return '';
    });
    return `${own}\n${theirs}`;
  }

  return {
    registry,
    activities: createActivityMetrics(registry),
    async answer(works) {
      if (!wanted) return async () => {};
      try {
        const health = () => ({ healthy: works(), worker, program, pid: process.pid, startedAt });
        const listener = await listen(wanted, { metrics, health }, log);
        const { address } = listener;
        await keepMetricsAddress(home, worker, address);
        log.info({ address: formatAddress(address) }, 'answers /metrics and /healthz');
        return () => listener.close();
      } catch (error) {
        // A worker that cannot be watched still works.
        log.error({ error: String(error) }, 'does not answer /metrics and /healthz');
        return async () => {};
      }
    },
  };
}
