import { join } from 'node:path';
import { Worker } from '@temporalio/worker';
import { createControlActivities } from '../activities/control/control.ts';
import { controlQueue } from '../domain/engine-names.ts';
import { ensureNodeImage } from '../image/node-image.ts';
import { installationId, mvcHome, vaultKeyFile } from '../installation/home.ts';
import { connectionSettings } from '../installation/settings.ts';
import { userPublicKey } from '../installation/user-key.ts';
import { aliveFile } from '../installation/workers.ts';
import { ensureVault } from '../secrets/vault.ts';
import { migrateToLatest } from '../store/migrate.ts';
import { closeDatabase, openDatabase } from '../store/database.ts';
import { showAlive } from './alive.ts';
import { createLog } from './log.ts';
import { connectToEngine, logThrough, workerIdentity } from './worker-connection.ts';
import { workflowBundle } from './workflow-bundle.ts';

/** The control worker: runs all workflows, and the activities that plan and record. */
const log = createLog('control');
logThrough(log);
const home = mvcHome();
const settings = await connectionSettings(home);
await migrateToLatest(settings.postgres);
const db = openDatabase(settings.postgres, { onConnectionLost: (message) => log.warn(message) });
const connection = await connectToEngine(settings.temporal, log);
const worker = await Worker.create({
  connection,
  namespace: settings.temporal.namespace,
  taskQueue: controlQueue,
  identity: workerIdentity(controlQueue),
  workflowBundle: { codePath: await workflowBundle(join(home.root, 'cache')) },
  activities: createControlActivities({
    db,
    vault: await ensureVault(vaultKeyFile(home)),
    installation: await installationId(home),
    userKey: await userPublicKey(home),
    buildImage: ({ rolls, signal, onProgress }) =>
      ensureNodeImage({ directory: home.images, rolls, signal, onProgress }),
  }),
  shutdownGraceTime: '10s',
});
const stopShowing = showAlive(
  aliveFile(home, 'control-worker'),
  () => worker.getState() === 'RUNNING',
  log,
);
log.info('control worker runs');
try {
  await worker.run();
} finally {
  stopShowing();
  await closeDatabase(db);
  await connection.close();
}
