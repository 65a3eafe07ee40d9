import { describe, expect, it } from 'vitest';
import { clusterSpecSchema, type StepRecord } from '../../src/domain/cluster.ts';
import {
  pastOperations,
  shapeOf,
  type RecordedOperation,
} from '../../src/domain/past-operations.ts';

const specOf = (computes: number) =>
  clusterSpecSchema.parse({
    name: 'demo',
    origin: 'alpine',
    sites: [{ name: 'alpine', computes }],
  });
const step: StepRecord = { step: 'verify', startedAt: 1, finishedAt: 2 };

function row(change: Partial<RecordedOperation> = {}): RecordedOperation {
  return {
    clusterId: 'a',
    kind: 'build',
    spec: specOf(1),
    steps: [step],
    startedAt: 1,
    finishedAt: 2,
    outcome: 'succeeded',
    ...change,
  };
}

describe('the operations from which estimates are made', () => {
  it('are those that succeeded without a pause', () => {
    const parked = { ...step, rounds: 2 };
    const rows = [
      row({ clusterId: 'b', outcome: 'failed' }),
      row({ clusterId: 'c', steps: [parked] }),
      row({ clusterId: 'd', steps: [{ ...step, skipped: true }] }),
      row({ clusterId: 'e' }),
    ];
    expect(pastOperations(rows)).toHaveLength(1);
  });

  it('are not those that stood still between two steps, as until a corrected spec came', () => {
    const late = { step: 'computes', startedAt: 0, finishedAt: 1000 } as const;
    const paused = [late, { ...step, startedAt: 62_000, finishedAt: 63_000 }];
    expect(pastOperations([row({ steps: paused })])).toEqual([]);
    const soon = [late, { ...step, startedAt: 2000, finishedAt: 63_000 }];
    expect(pastOperations([row({ steps: soon })])).toHaveLength(1);
  });

  it('leave out a build that went on with an unfinished one: it had less to do', () => {
    expect(pastOperations([row(), row({ outcome: 'cancelled' })])).toEqual([]);
  });

  it('know of a scale what was there before, also if that operation failed', () => {
    const scale = row({ kind: 'scale', spec: specOf(3) });
    const [found] = pastOperations([scale, row({ spec: specOf(2), outcome: 'failed' })]);
    expect(found?.shape.sites).toEqual([{ name: 'alpine', computes: 3, before: 2 }]);
  });

  it('do not tell of a scale what was there before if that is not known any more', () => {
    expect(pastOperations([row({ kind: 'scale' })])).toEqual([]);
  });

  it('do not include a repair, whose record does not tell what was amiss', () => {
    expect(shapeOf('repair', specOf(1))).toBeUndefined();
  });
});
