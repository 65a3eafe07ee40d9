import type { Parked, StepRecord } from '../../src/domain/cluster.ts';
import type { WatchedProgress } from '../../src/client/watched.ts';

/** Any moment; the tests' clock begins here, milliseconds since 1970. */
export const start = Date.UTC(2026, 10, 25, 12);

export const parkedForGood: Parked = {
  kind: 'HostKeyChanged',
  host: 'h1',
  cause: 'the host key of h1 has changed',
  help: 'ask the administrator of site beach; then `mvc resume demo`',
  since: start + 1_000,
  skippable: false,
};

export const parkedForNow: Parked = {
  kind: 'Unreachable',
  cause: 'site cloud does not answer',
  help: 'it is tried again by itself, `mvc resume demo` tries at once',
  since: start + 2_000,
  nextTryAt: start + 17_000,
  skippable: true,
};

export const done: StepRecord = {
  step: 'register',
  site: 'alpine',
  startedAt: start,
  finishedAt: start + 1_500,
};
export const running: StepRecord = { step: 'edges', site: 'alpine', startedAt: start };
export const parkedAtBeach: StepRecord = {
  step: 'image',
  site: 'beach',
  startedAt: start,
  parked: parkedForGood,
};
export const parkedAtCloud: StepRecord = {
  step: 'vms',
  site: 'cloud',
  startedAt: start,
  rounds: 2,
  parked: parkedForNow,
};
export const skipped: StepRecord = {
  step: 'edges',
  site: 'cloud',
  startedAt: start,
  finishedAt: start + 9_000,
  rounds: 3,
  skipped: true,
  error: 'site cloud does not answer',
};

export function progress(
  steps: StepRecord[],
  change: Partial<WatchedProgress> = {},
): WatchedProgress {
  return {
    cluster: 'demo',
    operation: 'build',
    phase: 'building',
    message: '3 sites, origin alpine',
    notes: [],
    activities: [],
    vms: [],
    uploads: [],
    steps,
    ...change,
  };
}
