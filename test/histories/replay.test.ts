import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createControlActivities } from '../../src/activities/control/control.ts';
import type { ControlDependencies } from '../../src/activities/control/dependencies.ts';
import type { SiteDrivers } from '../../src/activities/site/drivers.ts';
import { createAllSiteActivities } from '../../src/activities/site/site-activities.ts';
import { workflowBundle } from '../../src/workers/workflow-bundle.ts';
import { bundleLaterWorkflows } from '../helpers/later-bundle.ts';
import { readHistories, replayable, type RecordedRun } from './history-file.ts';

const histories = await readHistories();
let directory: string;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => {}),
    telemetryOptions: { logging: { filter: 'OFF' } },
  });
  directory = await mkdtemp(join(tmpdir(), 'mvc-replay-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Id of each run → what is wrong with it, or undefined. */
async function replay(
  bundle: string,
  runs: RecordedRun[],
): Promise<Map<string, string | undefined>> {
  const options = { workflowBundle: { codePath: bundle } };
  const results = new Map<string, string | undefined>();
  for await (const { workflowId, error } of Worker.runReplayHistories(
    options,
    runs.map(replayable),
  )) {
    results.set(workflowId, error?.message);
  }
  return results;
}

describe('the recorded histories', { timeout: 60_000 }, () => {
  it.each([
    ['plain', 'buildCluster', 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED'],
    ['parked', 'buildCluster', 'EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED'],
    ['cancelled', 'buildCluster', 'EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED'],
    ['destroyed', 'destroyCluster', 'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED'],
  ])('of %s are of %s, of the cluster and of its sites', (scenario, type, event) => {
    const runs = histories.get(scenario) ?? [];
    expect(runs.map((run) => run.workflowId).toSorted()).toEqual([
      `cluster:${scenario}`,
      `cluster:${scenario}:alpine`,
      `cluster:${scenario}:beach`,
    ]);
    const events = runs[0]?.history.events ?? [];
    expect(events.map((each) => each['eventType'])).toContain(event);
    expect(events[0]?.['workflowExecutionStartedEventAttributes']).toMatchObject({
      workflowType: { name: type },
    });
  });

  it.each([...histories])(
    'of %s can be gone on with by the workflows of today',
    async (_, runs) => {
      const bundle = await workflowBundle(join(tmpdir(), 'mvc-test-cache'));
      const results = await replay(bundle, runs);
      expect(results).toEqual(new Map(runs.map(({ workflowId }) => [workflowId, undefined])));
    },
  );

  it('are reported when the workflows do something else first', async () => {
    const bundle = await bundleLaterWorkflows(directory, 'later');
    const results = await replay(bundle, histories.get('plain') ?? []);
    expect(results.get('cluster:plain')).toMatch(/nondeterminism|determinism/i);
  });

  it('call activities that are still offered, since those are the same for all versions', () => {
    const offered = new Set([
      ...Object.keys(createControlActivities({} as ControlDependencies)),
      ...Object.keys(createAllSiteActivities({} as SiteDrivers)),
    ]);
    const called = [...histories.values()].flat().flatMap(activitiesOf);
    expect(called.filter((name) => !offered.has(name))).toEqual([]);
    expect(called).toContain('reserveVms');
  });
});

function activitiesOf({ history }: RecordedRun): string[] {
  return history.events.flatMap((event) => {
    const scheduled = event['activityTaskScheduledEventAttributes'] as
      { activityType: { name: string } } | undefined;
    return scheduled ? [scheduled.activityType.name] : [];
  });
}
