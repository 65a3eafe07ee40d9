import { describe, expect, it } from 'vitest';
import type { ParkedStep, StepRecord } from '../../src/domain/cluster.ts';
import { describeBoard } from '../../src/workflows/board-text.ts';

const parked: ParkedStep = {
  step: 'computes',
  site: 'beach',
  kind: 'Forbidden',
  cause: 'the policy | forbids\nit',
  help: 'change the policy',
  since: 0,
  skippable: true,
};
const steps: StepRecord[] = [
  { step: 'register', site: 'alpine', startedAt: 0, finishedAt: 1500 },
  { step: 'register', site: 'beach', startedAt: 0, finishedAt: 500 },
  { step: 'frontend', site: 'alpine', startedAt: 1500 },
  { step: 'computes', site: 'beach', startedAt: 1500, parked },
  { step: 'verify', startedAt: 1600, finishedAt: 1700, error: 'no rank' },
];

function board(phase: 'building' | 'ready', records: StepRecord[], waits: ParkedStep[] = []) {
  return describeBoard(
    { cluster: 'demo', operation: 'build', phase, message: 'two sites', steps: records },
    waits,
  ).split('\n');
}

describe('the board in the UI', () => {
  const lines = board('building', steps, [parked]);

  it('has a row per site, with what is most worth knowing of it', () => {
    expect(lines).toContain('| alpine | frontend | running | 1/2 |  |');
    expect(lines).toContain('| beach | computes | parked | 1/2 | the policy   forbids it |');
  });

  it('has a row for what concerns the whole cluster', () => {
    expect(lines).toContain('| all | verify | failed | 0/1 | no rank |');
  });

  it('says how to resume only where something is parked', () => {
    expect(lines.join('\n')).toContain('Send the Update `resume`');
    expect(board('ready', steps.slice(0, 2)).join('\n')).not.toContain('resume');
  });

  it('keeps text of a site within its cell', () => {
    const row = lines.find((line) => line.startsWith('| beach |'));
    expect(row?.split('|')).toHaveLength(7);
  });
});
