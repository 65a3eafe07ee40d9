import { estimateLeft, type Estimate } from '../domain/estimate.ts';
import type { WatchedProgress } from '../client/watched.ts';
import type { StartedOperation } from '../client/cluster-runs.ts';
import { withStore } from './context.ts';

/** How long an operation still takes, milliseconds; undefined if that cannot be said. */
export type TimeLeft = (progress: WatchedProgress, now: number) => number | undefined;

const askEveryMs = 5_000;

/**
 * What is left of an operation by what such ones took before. The store is asked beside the watching
 * until the operation is recorded there; without a store nothing is said.
 */
export function timeLeftOf({ runId }: StartedOperation): TimeLeft {
  let estimate: Estimate | undefined;
  let askedAt = 0;
  return (progress, now) => {
    if (!estimate && now - askedAt > askEveryMs) {
      askedAt = now;
      void lookUp(runId).then((found) => (estimate = found));
    }
    return estimate && estimateLeft(progress.steps, estimate, now)?.leftMs;
  };
}

async function lookUp(runId: string): Promise<Estimate | undefined> {
  try {
    return await withStore(async (db) =>
      (await import('../store/estimates.ts')).estimateOfRunning(db, runId),
    );
  } catch {
    return undefined;
  }
}
