import { join } from 'node:path';
import { ScheduleClient } from '@temporalio/client';
import { createControlActivities } from '../activities/control/control.ts';
import { ensureNodeImage } from '../image/node-image.ts';
import { ensureHome, installationId, mvcHome, vaultKeyFile } from '../installation/home.ts';
import { connectionSettings } from '../installation/settings.ts';
import { keepSiteList } from '../installation/site-list.ts';
import { userPublicKey } from '../installation/user-key.ts';
import { aliveFile } from '../installation/workers.ts';
import { ensureVault } from '../secrets/vault.ts';
import { migrateToLatest } from '../store/migrate.ts';
import { closeDatabase, openDatabase } from '../store/database.ts';
import { watchActivities } from './activity-log.ts';
import { showAlive } from './alive.ts';
import { createControlQueueWorker } from './control-queue.ts';
import { createLog } from './log.ts';
import { createStoreMetrics } from './metrics/store-metrics.ts';
import { observe } from './observe.ts';
import { OlderVersions } from './older-versions.ts';
import { createWatchSchedules } from './schedules.ts';
import { tellAttempts } from './told-attempts.ts';
import { WorkflowVersions } from './versions.ts';
import { connectToEngine } from './worker-connection.ts';
import { bundleVersion, workflowBundle } from './workflow-bundle.ts';

/** The control worker: runs all workflows, and the activities that plan and record. */
const log = createLog('control');
const home = mvcHome();
await ensureHome(home);
const observation = await observe(home, 'control-worker', log);
const settings = await connectionSettings(home);
await migrateToLatest(settings.postgres);
const db = openDatabase(settings.postgres, { onConnectionLost: (message) => log.warn(message) });
createStoreMetrics(observation.registry, db, log);
const connection = await connectToEngine(settings.temporal, log);
const { namespace } = settings.temporal;
const cacheDirectory = join(home.root, 'cache');
const bundle = await workflowBundle(cacheDirectory);
const own = bundleVersion(bundle);
const queue = {
  connection,
  namespace,
  interceptors: { activity: [watchActivities(log, observation.activities), tellAttempts] },
  activities: createControlActivities({
    db,
    vault: await ensureVault(vaultKeyFile(home)),
    installation: await installationId(home),
    userKey: await userPublicKey(home),
    buildImage: ({ rolls, signal, onProgress }) =>
      ensureNodeImage({ directory: home.images, rolls, signal, onProgress }),
    schedules: createWatchSchedules(new ScheduleClient({ connection, namespace })),
  }),
};
const worker = await createControlQueueWorker(queue, bundle);
const versions = new WorkflowVersions(connection, namespace);
const olderVersions = new OlderVersions({ queue, versions, own, cacheDirectory, log });
const stopping = new AbortController();
const works = () => worker.getState() === 'RUNNING';
const stopShowing = showAlive(aliveFile(home, 'control-worker'), works, log);
const stopSiteList = keepSiteList(home, settings.postgres, (message) => log.warn(message));
const stopAnswering = await observation.answer(works);
log.info({ version: own }, 'control worker runs');
try {
  const ended = worker.run();
  // Runs of older versions need not wait until this one is current.
  olderVersions.start();
  void versions.makeCurrent(own, log, stopping.signal);
  await ended;
} finally {
  stopping.abort();
  stopShowing();
  stopSiteList();
  await stopAnswering();
  await olderVersions.close();
  await closeDatabase(db);
  await connection.close();
}
