import { describe, expect, it } from 'vitest';
import { findOperation } from '../../src/cli/history.ts';
import {
  differenceLines,
  historyLines,
  operationTable,
  type Numbered,
} from '../../src/cli/history-lines.ts';
import { clusterSpecSchema } from '../../src/domain/cluster.ts';
import type { BuildRecord } from '../../src/store/builds.ts';
import { done, parkedAtBeach, running, skipped, start } from './steps.ts';

describe('the history of a cluster', () => {
  it('has a line per operation and one per step', () => {
    const end = { finishedAt: start + 60_000, outcome: 'succeeded' } as const;
    expect(historyLines({ kind: 'build', startedAt: start, steps: [done], ...end })).toEqual([
      '2026-11-25T12:00:00.000Z  build  succeeded  1 min 00 s',
      '  STEP      SITE    TOOK   REMARK',
      '  register  alpine  1.5 s',
    ]);
  });

  it('shows rounds, what is parked and what was left out', () => {
    const steps = [running, parkedAtBeach, skipped];
    expect(historyLines({ kind: 'build', startedAt: start, steps })).toEqual([
      '2026-11-25T12:00:00.000Z  build  running  running',
      '  STEP   SITE    TOOK     ROUNDS  REMARK',
      '  edges  alpine  running  1',
      '  image  beach   parked   1       h1: the host key of h1 has changed',
      '  edges  cloud   9.0 s    3       left out: site cloud does not answer',
    ]);
  });

  it('shows attempts, each reason with its call', () => {
    const call = { round: 1, activity: 'applyOverlay' };
    const tried = {
      ...done,
      attempts: 4,
      failed: [
        { ...call, from: 1, to: 2, kind: 'Timeout', error: 'no edge', host: 'h1', tookMs: 3_000 },
        { ...call, from: 3, to: 3, kind: 'Timeout', error: 'its worker did not end it' },
      ] as const,
    };
    const steps = [{ ...tried, failed: [...tried.failed] }];
    expect(historyLines({ kind: 'build', startedAt: start, steps }).slice(1)).toEqual([
      '  STEP      SITE    TOOK   ATTEMPTS  REMARK',
      '  register  alpine  1.5 s  4',
      '    applyOverlay, attempts 1 to 2 (3.0 s): h1: no edge',
      '    applyOverlay, attempt 3: its worker did not end it',
    ]);
  });
});

function recorded(number: number, id: string, change: Partial<BuildRecord> = {}): Numbered {
  const sites = [{ name: 'alpine', computes: number }];
  return {
    number,
    record: {
      id,
      cluster: 'demo',
      clusterId: '0123456789ab',
      kind: 'build',
      runId: `run ${number}`,
      epoch: number,
      spec: clusterSpecSchema.parse({ name: 'demo', origin: 'alpine', sites }),
      steps: [done],
      startedAt: start,
      ...change,
    },
  };
}

const failed = recorded(2, 'beef0000-0000-4000-8000-000000000000', {
  kind: 'scale',
  finishedAt: start + 2_000,
  outcome: 'failed',
  error: 'no room',
  askedBy: 'ada@login1',
  steps: [{ ...done, finishedAt: start + 2_000 }],
});
const first = recorded(1, 'cafe0000-0000-4000-8000-000000000000');

describe('the list of operations', () => {
  it('says who asked, when, how long it took and how it ended', () => {
    expect(operationTable([failed, first])).toEqual([
      'NO  ID        OPERATION  WHO         BEGUN                 TOOK   OUTCOME',
      '2   beef0000  scale      ada@login1  2026-11-25 12:00:00Z  2.0 s  failed: no room',
      '1   cafe0000  build      not said    2026-11-25 12:00:00Z  -      running',
    ]);
  });

  it('gives an operation by its number or the beginning of its id', () => {
    expect(findOperation([failed, first], 'demo', '1')).toBe(first);
    expect(findOperation([failed, first], 'demo', 'BEEF')).toBe(failed);
    expect(() => findOperation([failed, first], 'demo', '7')).toThrow('had no operation 7');
    const twin = recorded(3, 'caff0000-0000-4000-8000-000000000000');
    expect(() => findOperation([twin, first], 'demo', 'ca')).toThrow('2 operations');
  });

  it('compares two by their specs and by what each step took', () => {
    expect(differenceLines(first, failed)).toEqual([
      '  ~ sites.alpine.computes: 1 → 2',
      '',
      'STEP      SITE    1 (build)  2 (scale)',
      'register  alpine  1.5 s      2.0 s',
      'whole             running    2.0 s',
    ]);
  });

  it('compares them by their attempts, too', () => {
    const again = recorded(3, 'cafe', { steps: [{ ...done, attempts: 3 }] });
    expect(differenceLines(first, again)).toContain(
      'register  alpine  1.5 s      1.5 s (3 attempts)',
    );
  });
});
