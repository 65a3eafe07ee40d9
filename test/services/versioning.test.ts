import { copyFile, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterSiteWorkflowId, clusterWorkflowId } from '../../src/domain/engine-names.ts';
import { findCluster } from '../../src/store/clusters.ts';
import { createControlQueueWorker, type ControlQueue } from '../../src/workers/control-queue.ts';
import { OlderVersions } from '../../src/workers/older-versions.ts';
import { WorkflowVersions } from '../../src/workers/versions.ts';
import { bundlePath, workflowBundle } from '../../src/workers/workflow-bundle.ts';
import { startController, testSites, type TestController } from '../helpers/controller.ts';
import { bundleLaterWorkflows } from '../helpers/later-bundle.ts';

/** Drained versions are known by default after minutes only. */
const settings = [
  'matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"',
  'matching.wv.VersionDrainageStatusRefreshInterval="1s"',
];

let controller: TestController;
let directory: string;
let lines: string[];
let log: Logger;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-versions-'));
  controller = await startController({ settings });
  lines = [];
  log = pino({}, { write: (line: string) => void lines.push(line) });
  // Today's code under two names, and code that cannot go on with its histories.
  const today = await workflowBundle(join(tmpdir(), 'mvc-test-cache'));
  for (const version of ['today', 'lost']) await copyFile(today, bundlePath(directory, version));
  await bundleLaterWorkflows(directory, 'later');
});
afterAll(async () => {
  await controller?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** A control worker as the program starts it, of one version. */
async function startVersion(own: string) {
  const { nativeConnection: connection } = controller.engine;
  const queue: ControlQueue = {
    connection,
    namespace: 'default',
    activities: controller.controlActivities,
  };
  const worker = await createControlQueueWorker(queue, bundlePath(directory, own));
  const versions = new WorkflowVersions(connection, 'default');
  const ended = worker.run();
  await versions.makeCurrent(own, log, new AbortController().signal);
  const older = new OlderVersions({
    queue,
    versions,
    own,
    cacheDirectory: directory,
    log,
    everyMs: 500,
  });
  older.start();
  return {
    older,
    async stop() {
      await older.close();
      worker.shutdown();
      await ended;
    },
  };
}

async function build(name: string) {
  return controller.client.build(controller.spec(name));
}

async function destroy(name: string) {
  await controller.client.result(await controller.client.destroy(name));
}

/** Holds builds at their frontend until the returned function is called. */
function holdFrontend(): () => void {
  controller.world.setStuck('frontend', true);
  return () => controller.world.setStuck('frontend', false);
}

async function waitForHeld(cluster: string): Promise<void> {
  const held = async () => {
    const id = (await findCluster(controller.db, cluster))?.id;
    return controller.world
      .events()
      .some((each) => each.clusterId === id && each.effect === 'start' && each.name === 'frontend');
  };
  await expect.poll(held, { timeout: 30_000 }).toBe(true);
}

/** Versions that served the runs of a cluster, its own and those of its sites; none of them failed a task. */
async function versionsOf(cluster: string): Promise<Set<string>> {
  const ids = [
    clusterWorkflowId(cluster),
    ...testSites.map((site) => clusterSiteWorkflowId(cluster, site)),
  ];
  const found = new Set<string>();
  for (const id of ids) {
    const history = await controller.engine.client.workflow.getHandle(id).fetchHistory();
    for (const event of history.events ?? []) {
      expect(event.workflowTaskFailedEventAttributes ?? undefined).toBeUndefined();
      const done = event.workflowTaskCompletedEventAttributes;
      if (done) found.add(done.deploymentVersion?.buildId ?? 'none');
    }
  }
  return found;
}

async function result(started: Awaited<ReturnType<typeof build>>) {
  return controller.client.result(started);
}

describe('when a control worker with other workflows takes over', () => {
  it('a build that began before there were versions goes on', async () => {
    const release = holdFrontend();
    const started = await build('early');
    await waitForHeld('early');
    const worker = await startVersion('today');
    release();
    expect(await result(started)).toMatchObject({ phase: 'ready' });
    expect(await versionsOf('early')).toEqual(new Set(['none', 'today']));
    await destroy('early');
    await worker.stop();
  });

  it('a build ends on the version that it began with, sites and all, and a new one begins on the new', async () => {
    const first = await startVersion('today');
    const release = holdFrontend();
    const held = await build('held');
    await waitForHeld('held');
    await first.stop();
    const second = await startVersion('later');
    await expect.poll(() => second.older.versions, { timeout: 10_000 }).toEqual(['today']);
    release();
    expect(await result(held)).toMatchObject({ phase: 'ready' });
    expect(await result(await build('new'))).toMatchObject({ phase: 'ready' });
    expect(await versionsOf('held')).toEqual(new Set(['today']));
    expect(await versionsOf('new')).toEqual(new Set(['later']));
    await Promise.all([destroy('held'), destroy('new')]);
    await expect.poll(() => second.older.versions, { timeout: 60_000 }).toEqual([]);
    await second.stop();
  });

  it('starting the earlier one again lets new builds begin on that', async () => {
    const worker = await startVersion('today');
    expect(await result(await build('back'))).toMatchObject({ phase: 'ready' });
    expect(await versionsOf('back')).toEqual(new Set(['today']));
    await destroy('back');
    await worker.stop();
  });

  it('a build whose version is not kept waits, which is said, and goes on once it is put back', async () => {
    const bundle = bundlePath(directory, 'lost');
    const first = await startVersion('lost');
    const release = holdFrontend();
    const held = await build('waits');
    await waitForHeld('waits');
    await first.stop();
    await rename(bundle, `${bundle}.away`);
    const second = await startVersion('later');
    release();
    const said = () => lines.some((line) => line.includes('began on version lost'));
    await expect.poll(said, { timeout: 10_000 }).toBe(true);
    await rename(`${bundle}.away`, bundle);
    expect(await result(held)).toMatchObject({ phase: 'ready' });
    expect(await versionsOf('waits')).toEqual(new Set(['lost']));
    await second.stop();
  });
});
