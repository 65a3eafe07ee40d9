import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScheduleClient } from '@temporalio/client';
import { createWatchSchedules } from '../../src/workers/schedules.ts';
import { startController, type TestController } from '../helpers/controller.ts';

const minuteMs = 60_000;
let controller: TestController;
let engine: ScheduleClient;
let schedules: ReturnType<typeof createWatchSchedules>;

beforeAll(async () => {
  controller = await startController();
  engine = controller.engine.client.schedule;
  schedules = createWatchSchedules(engine);
});
afterAll(async () => {
  await controller?.stop();
});

async function everyMs(cluster: string) {
  const { spec } = await engine.getHandle(`watch:${cluster}`).describe();
  return spec.intervals?.map((interval) => interval.every);
}

async function ids(): Promise<string[]> {
  const found: string[] = [];
  for await (const { scheduleId } of engine.list()) found.push(scheduleId);
  return found;
}

describe('the schedule that looks at a cluster', () => {
  it('is made once, and follows the interval that was asked for last', async () => {
    await schedules.ensure('calm', 5);
    await schedules.ensure('calm', 5);
    expect(await everyMs('calm')).toEqual([5 * minuteMs]);
    await schedules.ensure('calm', 60);
    expect(await everyMs('calm')).toEqual([60 * minuteMs]);
    await expect.poll(ids, { timeout: 10_000 }).toEqual(['watch:calm']);
    await schedules.remove('calm');
  });

  it('that a person has paused stays paused', async () => {
    await schedules.ensure('quiet', 5);
    const handle = engine.getHandle('watch:quiet');
    await handle.pause('maintenance');
    await schedules.ensure('quiet', 10);
    expect((await handle.describe()).state).toMatchObject({ paused: true, note: 'maintenance' });
    await schedules.remove('quiet');
  });

  it('starts watchCluster with the name, as a run that the lists find by its cluster', async () => {
    await schedules.ensure('seen', 1440);
    await engine.getHandle('watch:seen').trigger();
    const { workflow } = controller.engine.client;
    const runs = async () => {
      const found: string[] = [];
      for await (const run of workflow.list({ query: 'MvcCluster = "seen"' })) {
        found.push(run.type);
        const { events } = await workflow.getHandle(run.workflowId).fetchHistory();
        const data =
          events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0]?.data;
        expect(JSON.parse(Buffer.from(data ?? []).toString())).toEqual({ name: 'seen' });
        expect(run.workflowId).toMatch(/^watch:seen-/);
      }
      return found;
    };
    await expect.poll(runs, { timeout: 20_000 }).toEqual(['watchCluster']);
    await schedules.remove('seen');
  });

  it('is removed once, and nothing is amiss if it is not there', async () => {
    await schedules.ensure('gone', 5);
    await schedules.remove('gone');
    await schedules.remove('gone');
    await schedules.remove('never');
    await expect.poll(ids, { timeout: 10_000 }).toEqual([]);
  });
});
