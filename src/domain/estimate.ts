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
  /**
   * `same`: operations of exactly this shape; `similar`: sites that had the same part in others;
   * `typical`: builds of other sites, or none.
   */
  basis: 'same' | 'similar' | 'typical';
  /** How many past operations it rests on. */
  operations: number;
  totalMs: number;
  steps: StepEstimate[];
  /** From the end of the last step to the end of the operation, milliseconds. */
  closingMs: number;
  /** Of a typical one: the image, and the lines to the sites as far as they were measured. */
  image?: { bytes: number; lines: { site: string; bytesPerSecond?: number }[] };
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
  if (same.length > 0) return estimateFrom('same', shape, same, () => same);
  const similar = past.filter((each) => isSimilar(each.shape, shape));
  const ofSite = new Map(shape.sites.map((site) => [site.name, withPart(similar, shape, site)]));
  if (similar.length === 0 || [...ofSite.values()].some((each) => each.length === 0))
    return undefined;
  return estimateFrom('similar', shape, similar.slice(0, newest), (site) => ofSite.get(site) ?? []);
}

function estimateFrom(
  basis: Estimate['basis'],
  { kind, sites }: OperationShape,
  whole: PastOperation[],
  ofSite: (site: string) => PastOperation[],
): Estimate {
  const steps = [
    ...medianCosts(whole, undefined),
    ...sites.flatMap(({ name }) => medianCosts(ofSite(name), name)),
  ];
  const operations = new Set([...whole, ...sites.flatMap(({ name }) => ofSite(name))]).size;
  const closingMs = median(whole.map(closingOf));
  return estimateFromSteps(kind, basis, operations, steps, closingMs);
}

/** The estimate whose steps cost this much. */
export function estimateFromSteps(
  kind: OperationKind,
  basis: Estimate['basis'],
  operations: number,
  steps: StepEstimate[],
  closingMs: number,
): Estimate {
  const estimate: Estimate = { kind, basis, operations, totalMs: 0, steps, closingMs };
  return { ...estimate, totalMs: estimateLeft([], estimate, 0)?.leftMs ?? 0 };
}

/** The steps of one site, or of the whole cluster, as the newest of the operations had them. */
function medianCosts(past: PastOperation[], site: string | undefined): StepEstimate[] {
  const costs = past.map((each) => stepCosts(each).filter((cost) => cost.site === site));
  return (costs[0] ?? []).map((model) => ({
    ...model,
    costMs: median(
      costs.flatMap((each) => each.filter(({ step }) => step === model.step)).map(costMsOf),
    ),
  }));
}

function costMsOf({ costMs }: StepEstimate): number {
  return costMs;
}

/** Operations in which this site had a like part: the same number of computes if there are such. */
function withPart(past: PastOperation[], shape: OperationShape, part: SiteShape): PastOperation[] {
  const isOrigin = shape.origin === part.name;
  const partIn = (each: PastOperation) => each.shape.sites.find(({ name }) => name === part.name);
  const like = past.filter((each) => {
    const other = partIn(each);
    if (!other || (each.shape.origin === part.name) !== isOrigin) return false;
    return directionOf(other) === directionOf(part);
  });
  const equal = like.filter((each) => partIn(each)?.computes === part.computes);
  return (equal.length > 0 ? equal : like).slice(0, newest);
}

/** Whether VMs come, stay or go: other steps belong to each. */
function directionOf({ computes, before }: SiteShape): number {
  return Math.sign(computes - before);
}

function isSimilar(a: OperationShape, b: OperationShape): boolean {
  const shrinks = ({ sites }: OperationShape) => sites.some((site) => directionOf(site) < 0);
  return a.kind === b.kind && a.overlay === b.overlay && shrinks(a) === shrinks(b);
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

/** What each step of a past operation cost, from the end of the last that it waited for. */
export function stepCosts({ shape, steps, startedAt }: PastOperation): StepEstimate[] {
  // A build's row is written only after its sites were asked.
  const begun = Math.min(startedAt, ...steps.map((each) => each.startedAt));
  return steps.map((record) => {
    const waits = waitsOf(shape.kind, record, steps);
    const ready = Math.max(begun, ...waits.map((each) => each.finishedAt ?? begun));
    const { step, site, finishedAt = ready } = record;
    return {
      step,
      ...(site === undefined ? {} : { site }),
      costMs: Math.max(0, finishedAt - ready),
    };
  });
}

function closingOf({ steps, startedAt, finishedAt }: PastOperation): number {
  const last = Math.max(startedAt, ...steps.map((each) => each.finishedAt ?? startedAt));
  return Math.max(0, finishedAt - last);
}

function sameShape(a: OperationShape, b: OperationShape): boolean {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

function canonical({ kind, origin, overlay, rolls, sites }: OperationShape): unknown {
  const parts = sites.map(({ name, computes, before }) => [name, computes, before]);
  return [kind, origin, overlay, rolls.toSorted(), parts.toSorted()];
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}
