import { describe, expect, it } from 'vitest';
import type { StepRecord } from '../../src/domain/cluster.ts';
import {
  estimateLeft,
  estimateOperation,
  type OperationShape,
  type PastOperation,
} from '../../src/domain/estimate.ts';

const shape: OperationShape = {
  kind: 'build',
  origin: 'alpine',
  overlay: 'n2n',
  rolls: ['base', 'slurm'],
  sites: [
    { name: 'alpine', computes: 1, before: 0 },
    { name: 'beach', computes: 2, before: 0 },
  ],
};

/** Seconds from the operation's begin: begin and end of each step. */
const plain: [StepRecord['step'], string | undefined, number, number][] = [
  ['register', 'alpine', 0, 1],
  ['register', 'beach', 0, 2],
  ['reserve', 'alpine', 2, 3],
  ['reserve', 'beach', 2, 4],
  ['image', undefined, 2, 3],
  ['image', 'alpine', 4, 14],
  ['image', 'beach', 4, 24],
  ['supernode', 'alpine', 4, 6],
  ['edges', 'alpine', 6, 8],
  ['edges', 'beach', 6, 9],
  ['frontend', 'alpine', 14, 30],
  ['configure', undefined, 30, 31],
  ['computes', 'alpine', 30, 33],
  ['computes', 'beach', 24, 35],
  ['computes', undefined, 35, 75],
  ['verify', undefined, 75, 95],
];

function stepsAt(begin: number, change: (row: (typeof plain)[number]) => number = () => 0) {
  return plain.map((row): StepRecord => {
    const [step, site, from, to] = row;
    return {
      step,
      ...(site === undefined ? {} : { site }),
      startedAt: begin + from * 1000,
      finishedAt: begin + (to + change(row)) * 1000,
    };
  });
}

function past(change: Partial<PastOperation> = {}): PastOperation {
  return { shape, steps: stepsAt(0), startedAt: 2000, finishedAt: 96_000, ...change };
}

/** The steps of an operation as a watcher has them at that moment. */
function seenAt(steps: StepRecord[], now: number): StepRecord[] {
  return steps
    .filter(({ startedAt }) => startedAt <= now)
    .map(({ finishedAt = Infinity, ...begun }) =>
      finishedAt <= now ? { ...begun, finishedAt } : begun,
    );
}

describe('the estimate of an operation', () => {
  it('is what the one past operation of that shape took', () => {
    const estimate = estimateOperation([past()], shape);
    expect(estimate).toMatchObject({ basis: 'same', operations: 1, totalMs: 96_000 });
  });

  it('takes the median of each step, so that one slow build does not count', () => {
    const slow = past({ steps: stepsAt(0, ([step]) => (step === 'verify' ? 500 : 0)) });
    const estimate = estimateOperation([past(), { ...slow, finishedAt: 596_000 }, past()], shape);
    expect(estimate?.totalMs).toBe(96_000);
  });

  it('does not care in which order the sites are named', () => {
    const turned = { ...shape, sites: shape.sites.toReversed() };
    expect(estimateOperation([past()], turned)?.basis).toBe('same');
  });

  it('of another shape puts together what each site took in its part', () => {
    const small = { ...shape, sites: shape.sites.slice(0, 1) };
    const estimate = estimateOperation([past()], small);
    // Without beach, whose reservation and image were the slow ones.
    expect(estimate?.basis).toBe('similar');
    expect(estimate?.steps.every(({ site }) => site !== 'beach')).toBe(true);
    expect(estimate?.totalMs).toBeLessThan(96_000);
  });

  it.each([
    ['another kind', { kind: 'destroy' as const }],
    ['another overlay', { overlay: 'memory' as const }],
    ['a site of which nothing is known', { sites: [{ name: 'new', computes: 1, before: 0 }] }],
    ['a site that was no origin yet', { origin: 'beach' }],
  ])('is not given for %s', (_, change) => {
    expect(estimateOperation([past()], { ...shape, ...change })).toBeUndefined();
  });

  it('is not given where nothing was recorded', () => {
    expect(estimateOperation([], shape)).toBeUndefined();
  });
});

describe('what is left of an operation', () => {
  const estimate = estimateOperation([past()], shape)!;

  it.each([0, 5, 20, 31, 50, 80])('is exact after %i s of one that goes as the past one', (s) => {
    const begin = 1_000_000;
    const now = begin + s * 1000;
    const left = estimateLeft(seenAt(stepsAt(begin), now), estimate, now);
    expect(left).toEqual({ leftMs: (96 - s) * 1000 });
  });

  it('does not grow by what is late but not on the critical path', () => {
    const steps = stepsAt(0).map((each) =>
      each.step === 'image' && each.site === 'beach' ? { ...each, finishedAt: 30_000 } : each,
    );
    expect(estimateLeft(seenAt(steps, 31_000), estimate, 31_000)).toEqual({ leftMs: 65_000 });
  });

  it('grows by what is late on the critical path', () => {
    const late = seenAt(stepsAt(0), 20_000);
    expect(estimateLeft(late, estimate, 40_000)).toEqual({ leftMs: 66_000 });
  });

  it('is never negative, and unknown while a step waits for a person', () => {
    const steps = stepsAt(0);
    expect(estimateLeft(steps, estimate, 900_000)).toEqual({ leftMs: 0 });
    const parked = {
      kind: 'Forbidden' as const,
      cause: 'no',
      help: 'ask',
      since: 1,
      skippable: false,
    };
    const [first, ...rest] = steps;
    expect(estimateLeft([{ ...first!, parked }, ...rest], estimate, 1000)).toBeUndefined();
  });

  it('counts the cost of a step from the end of what it waits for', () => {
    const parts = estimate.steps.filter(({ step }) => step === 'image');
    expect(parts.map(({ site, costMs }) => [site, costMs])).toEqual([
      [undefined, 1000],
      ['alpine', 10_000],
      ['beach', 20_000],
    ]);
  });
});
