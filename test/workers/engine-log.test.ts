import { describe, expect, it } from 'vitest';
import { createLog, loggedAt } from '../../src/workers/log.ts';
import { engineLogger } from '../../src/workers/engine-log.ts';

function bridged() {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  return { lines, logger: engineLogger(createLog('control', { write })) };
}

describe("the engine's library", () => {
  it('logs what a workflow says with the cluster and site that its id names', () => {
    const { lines, logger } = bridged();
    logger.info('step begins', {
      sdkComponent: 'workflow',
      workflowId: 'cluster:demo:beach',
      taskQueue: 'control',
      step: 'image',
    });
    expect(lines).toMatchObject([
      { level: 'info', cluster: 'demo', site: 'beach', step: 'image', msg: 'step begins' },
    ]);
  });

  it('has what it held back logged with the time at which it was said', () => {
    const lines: Record<string, unknown>[] = [];
    const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
    const log = createLog('control', { write });
    const said = new Date('2026-11-25T20:15:00.123Z');
    loggedAt(said, () => log.info('said before'));
    log.info('said now');
    expect(lines[0]).toMatchObject({ time: '2026-11-25T20:15:00.123Z', msg: 'said before' });
    expect(lines[1]?.['time']).not.toBe(lines[0]?.['time']);
  });

  it('logs warnings of its own, without the token of the task', () => {
    const { lines, logger } = bridged();
    logger.warn('slow', { sdkComponent: 'core', taskQueue: 'site:beach', taskToken: 'abc' });
    expect(lines).toMatchObject([{ level: 'warn', site: 'beach', msg: 'slow' }]);
    expect(lines[0]).not.toHaveProperty('taskToken');
  });

  it('does not say again what is said in our own words', () => {
    const { lines, logger } = bridged();
    logger.warn('Activity failed', { sdkComponent: 'worker' });
    logger.warn('No workflows registered, not polling for workflow tasks', {});
    logger.info('Worker state changed', { sdkComponent: 'worker' });
    logger.debug('Activity started', { sdkComponent: 'activity' });
    expect(lines).toEqual([]);
  });
});
