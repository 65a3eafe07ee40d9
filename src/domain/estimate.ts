import type { ClusterSpec, OperationKind, StepRecord } from './cluster.ts';
import { waitsOf, type StepPlace } from './step-order.ts';

/** What an operation has to do, as far as its duration depends on it. */
export interface OperationShape {
  kind: OperationKind;
  origin: string;
  overlay: ClusterSpec['overlay']['kind'];
  /** In any order. */
  rolls: string[];
  sites: SiteShape[];
}

/** One site's part. */
export interface SiteShape {
  name: string;
  /** Computes that are to be there in the end. */
  computes: number;
  /** Computes that were there before; 0 for a build. */
  before: number;
}

/** An operation as it was recorded. Times in milliseconds since 1970. */
export interface PastOperation {
  shape: OperationShape;
  steps: StepRecord[];
  startedAt: number;
  finishedAt: number;
}

/** A step as it is expected to go. */
export interface StepEstimate extends StepPlace {
  /** From the end of the last step that it waits for to its own end, milliseconds. */
  costMs: number;
}

/** How long an operation should take, by what such operations took before. */
export interface Estimate {
  kind: OperationKind;
  /** `same`: operations of exactly this shape; `similar`: sites that had the same part in others. */
  basis: 'same' | 'similar';
  /** How many past operations it rests on. */
  operations: number;
  totalMs: number;
  steps: StepEstimate[];
  /** From the end of the last step to the end of the operation, milliseconds. */
  closingMs: number;
}

/** Older operations tell of other machines and lines: only so many of the newest are looked at. */
const newest = 5;

/**
 * Estimates an operation from those that went through before: the critical path through its steps,
 * each with the median of what it cost.
 *
 * @param past newest first; those that parked, failed or left something out should not be among them.
 * @returns undefined if nothing of the kind has been recorded for one of the steps or sites.
 */
export function estimateOperation(
  past: readonly PastOperation[],
  shape: OperationShape,
): Estimate | undefined {
  const same = past.filter((each) => sameShape(each.shape, shape)).slice(0, newest);
  const [model] = same;
  if (!model) return undefined;
  const costs = same.map((each) => ({ steps: costsOf(each), closingMs: closingOf(each) }));
  const steps = model.steps.map(({ step, site }) => ({
    step,
    ...(site === undefined ? {} : { site }),
    costMs: median(
      costs.flatMap(({ steps: each }) =>
        each.filter((cost) => cost.step === step && cost.site === site).map((cost) => cost.costMs),
      ),
    ),
  }));
  const estimate: Estimate = {
    kind: shape.kind,
    basis: 'same',
    operations: same.length,
    totalMs: 0,
    steps,
    closingMs: median(costs.map((each) => each.closingMs)),
  };
  return { ...estimate, totalMs: estimateLeft([], estimate, 0)?.leftMs ?? 0 };
}

/**
 * What is left of a running operation: the critical path through the steps that have not ended.
 *
 * @param steps as the operation's progress has them, from its beginning.
 * @param now milliseconds since 1970, by the same clock as the steps' times.
 * @returns undefined while a step is parked: how long it waits for a person nobody knows.
 */
export function estimateLeft(
  steps: readonly StepRecord[],
  estimate: Estimate,
  now: number,
): { leftMs: number } | undefined {
  if (steps.some((each) => each.parked)) return undefined;
  const begun = Math.min(now, ...steps.map((each) => each.startedAt));
  const ends = new Map<StepEstimate, number>();
  const endOf = (step: StepEstimate): number => {
    const known = ends.get(step);
    if (known !== undefined) return known;
    const record = steps.find((each) => each.step === step.step && each.site === step.site);
    const end = record?.finishedAt ?? Math.max(now, readyAt(step) + step.costMs);
    ends.set(step, end);
    return end;
  };
  const readyAt = (step: StepEstimate): number =>
    Math.max(begun, ...waitsOf(estimate.kind, step, estimate.steps).map(endOf));
  const last = Math.max(begun, ...estimate.steps.map(endOf));
  return { leftMs: Math.max(0, last + estimate.closingMs - now) };
}

function costsOf({ shape, steps, startedAt }: PastOperation): StepEstimate[] {
  return steps.map((record) => {
    const waits = waitsOf(shape.kind, record, steps);
    const ready = Math.max(startedAt, ...waits.map((each) => each.finishedAt ?? startedAt));
    const { step, site, finishedAt = ready } = record;
    return {
      step,
      ...(site === undefined ? {} : { site }),
      costMs: Math.max(0, finishedAt - ready),
    };
  });
}

function closingOf({ steps, startedAt, finishedAt }: PastOperation): number {
  return finishedAt - Math.max(startedAt, ...steps.map((each) => each.finishedAt ?? startedAt));
}

function sameShape(a: OperationShape, b: OperationShape): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

function canonical({ kind, origin, overlay, rolls, sites }: OperationShape): unknown {
  const parts = sites.map(({ name, computes, before }) => [name, computes, before]);
  return [kind, origin, overlay, rolls.toSorted(), parts.toSorted()];
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}
