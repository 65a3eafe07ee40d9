import { Counter, Gauge, type Registry } from 'prom-client';
import type { Logger } from 'pino';
import { countOperations, type OperationFigures } from '../../store/figures.ts';
import type { Database } from '../../store/database.ts';

/** Figures that are older than this are asked for anew, ms: several metrics share one question. */
const freshMs = 2_000;

/**
 * What the history in the database tells of operations. Every control worker says the same, also after
 * it was started again: take the maximum over workers, not their sum.
 */
export function createStoreMetrics(registry: Registry, db: Database, log: Logger): void {
  const figures = remembering(() => countOperations(db), log);
  const registers = [registry];
  new Gauge({
    name: 'mvc_store_up',
    help: '1 if the database answered.',
    registers,
    collect: async function () {
      this.set((await figures()) ? 1 : 0);
    },
  });
  new Counter({
    name: 'mvc_operations_total',
    help: 'Operations on clusters that ended, by kind (build, scale, …) and outcome.',
    labelNames: ['kind', 'outcome'],
    registers,
    collect: async function () {
      const known = await figures();
      // A counter that vanishes for a moment is better than one that stands still and lies.
      this.reset();
      for (const { kind, outcome, count } of known?.ended ?? []) this.inc({ kind, outcome }, count);
    },
  });
  new Gauge({
    name: 'mvc_operations_running',
    help: 'Operations on clusters that have begun and not ended, by kind.',
    labelNames: ['kind'],
    registers,
    collect: async function () {
      const known = await figures();
      this.reset();
      for (const { kind, count } of known?.running ?? []) this.set({ kind }, count);
    },
  });
  new Gauge({
    name: 'mvc_clusters',
    help: 'Recorded clusters by phase.',
    labelNames: ['phase'],
    registers,
    collect: async function () {
      const known = await figures();
      this.reset();
      for (const { phase, count } of known?.clusters ?? []) this.set({ phase }, count);
    },
  });
  gaugeOf('mvc_clusters_parked', 'Clusters with a step that is parked.', (known) => known.parked);
  gaugeOf('mvc_clusters_drifted', 'Clusters with something amiss.', (known) => known.drifted);

  function gaugeOf(name: string, help: string, value: (known: OperationFigures) => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect: async function () {
        const known = await figures();
        if (known) this.set(value(known));
        else this.remove();
      },
    });
  }
}

/** Answers undefined if the database does not answer: a scrape must not fail for it. */
function remembering(
  ask: () => Promise<OperationFigures>,
  log: Logger,
): () => Promise<OperationFigures | undefined> {
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
