import { describe, expect, it } from 'vitest';
import {
  failedAttempt,
  failedBefore,
  unwrapResult,
  withFailed,
  withTried,
  wrapResult,
} from '../../src/domain/attempts.ts';

const silent = { kind: 'Unreachable', message: 'site beach does not answer' } as const;
const full = { kind: 'NoCapacity', message: 'full', host: 'h1' } as const;

describe('attempts that failed', () => {
  it('are one entry while their reason is the same', () => {
    const first = withFailed([], failedAttempt(1, silent, 100));
    const second = withFailed(first, failedAttempt(2, silent, 50));
    expect(withFailed(second, failedAttempt(3, full, 5))).toEqual([
      { from: 1, to: 2, kind: 'Unreachable', error: silent.message, tookMs: 150 },
      { from: 3, to: 3, kind: 'NoCapacity', error: 'full', host: 'h1', tookMs: 5 },
    ]);
  });

  it('are told by the heartbeat of the one before, those of a lost worker by their number', () => {
    const failed = [failedAttempt(1, full, 5)];
    expect(failedBefore({ note: 'x', failed }, 2)).toEqual(failed);
    const lost = { kind: 'Timeout', error: 'its worker did not end it' };
    expect(failedBefore({ failed }, 4)).toEqual([...failed, { from: 2, to: 3, ...lost }]);
    expect(failedBefore(undefined, 2)).toEqual([{ from: 1, to: 1, ...lost }]);
    expect(failedBefore({ bytes: 1 }, 1)).toEqual([]);
  });

  it('are kept for the newest reasons only, with a short sentence each', () => {
    let failed = failedBefore(undefined, 1);
    for (let attempt = 1; attempt <= 20; attempt += 1) {
      const message = `${attempt} ${'x'.repeat(5000)}`;
      failed = withFailed(failed, failedAttempt(attempt, { kind: 'Timeout', message }));
    }
    expect(failed.map(({ from }) => from)).toEqual([16, 17, 18, 19, 20]);
    expect(failed[0]?.error).toHaveLength(300);
  });

  it('count for their step, beside its rounds', () => {
    const call = { round: 2, activity: 'startVms' };
    const tried = { attempts: 3, failed: [{ ...failedAttempt(1, full), to: 2 }] };
    expect(withTried({ attempts: 2, failed: [] }, call, tried)).toEqual({
      attempts: 4,
      failed: [{ ...call, from: 1, to: 2, kind: 'NoCapacity', error: 'full', host: 'h1' }],
    });
  });
});

describe('a result', () => {
  it('is taken out of what tells of its attempts', () => {
    const tried = { attempts: 2, failed: [failedAttempt(1, full)] };
    for (const result of [['vm'], undefined, null, { result: 1 }]) {
      const sent: unknown = JSON.parse(JSON.stringify(wrapResult(result, tried)));
      expect(unwrapResult(sent)).toEqual({ result, tried });
    }
  });

  it('that tells of none is as it is', () => {
    for (const result of [undefined, null, 'text', { result: 1 }, [1]]) {
      expect(unwrapResult(result)).toEqual({ result });
    }
  });
});
