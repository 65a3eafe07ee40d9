import { describe, expect, it } from 'vitest';
import { historyLines } from '../../src/cli/history.ts';
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
});
