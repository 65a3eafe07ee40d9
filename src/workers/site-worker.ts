import { ensureHome, mvcHome } from '../installation/home.ts';
import { temporalSettings } from '../installation/settings.ts';
import { aliveFile } from '../installation/workers.ts';
import { watchActivities } from './activity-log.ts';
import { showAlive } from './alive.ts';
import { createLog } from './log.ts';
import { createSshMetrics } from './metrics/ssh-metrics.ts';
import { observe } from './observe.ts';
import { createSiteDrivers } from './site-drivers.ts';
import { SiteQueues } from './site-queues.ts';
import { followSites } from './served-sites.ts';
import { tellAttempts } from './told-attempts.ts';
import { connectToEngine } from './worker-connection.ts';

/**
 * The site worker: one process that serves the queues of all sites it is given, and of those that are
 * registered later. It never touches the database.
 */
const log = createLog('site');
const home = mvcHome();
await ensureHome(home);
const observation = await observe(home, 'site-worker', log);
const settings = await temporalSettings(home);
const connection = await connectToEngine(settings, log);
const drivers = createSiteDrivers(home, createSshMetrics(observation.registry));
const queues = new SiteQueues({
  connection,
  namespace: settings.namespace,
  drivers,
  interceptors: { activity: [watchActivities(log, observation.activities), tellAttempts] },
  log,
});
const stopFollowing = followSites(home, (sites) => queues.serve(sites), log);
const stopShowing = showAlive(aliveFile(home, 'site-worker'), () => queues.healthy, log);
const stopAnswering = await observation.answer(() => queues.healthy);
log.info('site worker runs');
try {
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
} finally {
  stopFollowing();
  await queues.close();
  stopShowing();
  await stopAnswering();
  drivers.close();
  await connection.close();
}
