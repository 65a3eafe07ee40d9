import { Counter, Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import { clusterPhases, operationKinds } from '../../domain/cluster.ts';
import type { Database } from '../../store/database.ts';
import { countOperations, type OperationFigures } from '../../store/figures.ts';

/** Figures that are older than this are asked for anew, ms: several metrics share one question. */
const freshMs = 2_000;
const outcomes = ['succeeded', 'failed', 'cancelled'];

type Ask = () => Promise<OperationFigures | undefined>;

/**
 * What the history in the database tells of operations. Every control worker says the same, also after
 * it was started again: take the maximum over workers, not their sum.
 */
export function createStoreMetrics(registry: Registry, db: Database, log: Logger): void {
  const ask = remembering(() => countOperations(db), log);
  const metrics = [
    storeUp(ask),
    operationsEnded(ask),
    operationsRunning(ask),
    clustersByPhase(ask),
    clustersWith(ask, 'mvc_clusters_parked', 'Clusters with a step that is parked.', 'parked'),
    clustersWith(ask, 'mvc_clusters_drifted', 'Clusters with something amiss.', 'drifted'),
  ];
  for (const metric of metrics) registry.registerMetric(metric);
}

function storeUp(ask: Ask): Gauge {
  return new Gauge({
    name: 'mvc_store_up',
    help: '1 if the database answered.',
    registers: [],
    async collect() {
      this.set((await ask()) ? 1 : 0);
    },
  });
}

/*
 * Those that follow are not there while the database does not answer: a value that stands still would
 * lie. And they begin with zeros: a first failure is an increase only if there was something before.
 */

function operationsEnded(ask: Ask): Counter {
  return new Counter({
    name: 'mvc_operations_total',
    help: 'Operations on clusters that ended, by kind (build, scale, …) and outcome.',
    labelNames: ['kind', 'outcome'],
    registers: [],
    async collect() {
      const known = await ask();
      this.reset();
      if (!known) return;
      for (const kind of operationKinds) {
        for (const outcome of outcomes) this.inc({ kind, outcome }, 0);
      }
      for (const { kind, outcome, count } of known.ended) this.inc({ kind, outcome }, count);
    },
  });
}

function operationsRunning(ask: Ask): Gauge {
  return new Gauge({
    name: 'mvc_operations_running',
    help: 'Operations on clusters that have begun and not ended, by kind.',
    labelNames: ['kind'],
    registers: [],
    async collect() {
      const known = await ask();
      this.reset();
      if (!known) return;
      for (const kind of operationKinds) this.set({ kind }, 0);
      for (const { kind, count } of known.running) this.set({ kind }, count);
    },
  });
}

function clustersByPhase(ask: Ask): Gauge {
  return new Gauge({
    name: 'mvc_clusters',
    help: 'Recorded clusters by phase.',
    labelNames: ['phase'],
    registers: [],
    async collect() {
      const known = await ask();
      this.reset();
      if (!known) return;
      for (const phase of clusterPhases) this.set({ phase }, 0);
      for (const { phase, count } of known.clusters) this.set({ phase }, count);
    },
  });
}

function clustersWith(ask: Ask, name: string, help: string, what: 'parked' | 'drifted'): Gauge {
  return new Gauge({
    name,
    help,
    registers: [],
    async collect() {
      const known = await ask();
      if (known) this.set(known[what]);
      else this.remove();
    },
  });
}

/** Answers undefined if the database does not answer: a scrape must not fail for it. */
function remembering(ask: () => Promise<OperationFigures>, log: Logger): Ask {
  let asked = { at: -Infinity, figures: Promise.resolve<OperationFigures | undefined>(undefined) };
  return () => {
    if (performance.now() - asked.at > freshMs) {
      const figures = ask().catch((error: unknown) => {
        log.warn({ error: String(error) }, 'the figures of the history could not be read');
        return undefined;
      });
      asked = { at: performance.now(), figures };
    }
    return asked.figures;
  };
}
