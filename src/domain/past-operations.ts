import { outcomeOf, type ClusterSpec, type OperationKind, type StepRecord } from './cluster.ts';
import type { OperationShape, PastOperation } from './estimate.ts';
import { computesAt } from './spec-diff.ts';
import { waitsOf } from './step-order.ts';

/** An operation's row in the history, as far as an estimate needs it. */
export interface RecordedOperation {
  clusterId: string;
  kind: OperationKind;
  spec: ClusterSpec;
  steps: StepRecord[];
  /** Milliseconds since 1970, as all times here. */
  startedAt: number;
  finishedAt?: number;
  outcome?: string;
}

/** A step begins seconds after those that it waits for have ended; later than this, something was amiss. */
const pauseMs = 60_000;

/** Of the others the record does not tell what they were about: one VM or all, one fault or ten. */
const estimable: readonly OperationKind[] = ['build', 'scale', 'destroy'];

/**
 * Those of the recorded operations from which one can tell how long the next will take: they went
 * through without a pause, and had all to do.
 *
 * @param rows of any clusters, newest first, with those that failed.
 */
export function pastOperations(rows: readonly RecordedOperation[]): PastOperation[] {
  return rows.flatMap((row, index) => {
    const shape = recordedShape(row, rows.slice(index + 1));
    const { kind, steps, startedAt, finishedAt, outcome } = row;
    if (!shape || finishedAt === undefined || outcome !== 'succeeded') return [];
    const paused = steps.some((each) => waitedMs(kind, each, steps) > pauseMs);
    if (paused || !steps.every(isSmooth)) return [];
    return [{ shape, steps, startedAt, finishedAt }];
  });
}

/**
 * What a recorded operation had, or has, to do.
 *
 * @param earlier operations before it, newest first.
 * @returns undefined if the record does not tell, as for a build that goes on with an unfinished one.
 */
export function recordedShape(
  { clusterId, kind, spec }: RecordedOperation,
  earlier: readonly RecordedOperation[],
): OperationShape | undefined {
  const before = earlier.find((each) => each.clusterId === clusterId);
  if (kind === 'build' && before) return undefined;
  // Not among the newest rows any more.
  if (kind === 'scale' && !before) return undefined;
  return shapeOf(kind, spec, kind === 'destroy' ? spec : before?.spec);
}

/** @param before the spec under which the cluster stands; absent for one that is not there. */
export function shapeOf(
  kind: OperationKind,
  spec: ClusterSpec,
  before?: ClusterSpec,
): OperationShape | undefined {
  if (!estimable.includes(kind)) return undefined;
  const names = new Set([...spec.sites, ...(before?.sites ?? [])].map((site) => site.name));
  return {
    kind,
    origin: spec.origin,
    overlay: spec.overlay.kind,
    rolls: spec.rolls,
    sites: [...names].map((name) => ({
      name,
      computes: computesAt(spec, name),
      before: before ? computesAt(before, name) : 0,
    })),
  };
}

/** How long a step could have begun, and did not: a person was waited for, or no worker was there. */
function waitedMs(kind: OperationKind, record: StepRecord, steps: StepRecord[]): number {
  const waits = waitsOf(kind, record, steps);
  const ready = Math.max(...waits.map((each) => each.finishedAt ?? record.startedAt));
  return waits.length === 0 ? 0 : record.startedAt - ready;
}

function isSmooth(record: StepRecord): boolean {
  const { finishedAt, rounds } = record;
  return finishedAt !== undefined && rounds === undefined && outcomeOf(record) === 'done';
}
