import { Worker, type NativeConnection, type WorkerInterceptors } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createAllSiteActivities } from '../activities/site/site-activities.ts';
import type { SiteDrivers } from '../activities/site/drivers.ts';
import { siteQueue } from '../domain/engine-names.ts';
import { workerIdentity } from './worker-connection.ts';

/** Activities of one site at once: what its hosts stand, not what this process stands. */
const slotsPerSite = 20;

interface Served {
  worker: Worker;
  ended: Promise<void>;
}

/** One worker per site, each on its site's own queue: a site that hangs takes no slots from another. */
export class SiteQueues {
  private readonly served = new Map<string, Promise<Served>>();
  private readonly options: {
    connection: NativeConnection;
    namespace: string;
    drivers: SiteDrivers;
    interceptors?: WorkerInterceptors;
    log: Logger;
  };
  private failed = false;

  constructor(options: SiteQueues['options']) {
    this.options = options;
  }

  /** False once a queue could not be served; the supervisor then starts the process anew. */
  get healthy(): boolean {
    return !this.failed;
  }

  /** Serves exactly these sites from now on. */
  serve(sites: string[]): void {
    for (const site of sites) {
      if (!this.served.has(site)) this.served.set(site, this.start(site));
    }
    for (const site of this.served.keys()) {
      if (!sites.includes(site)) void this.stop(site);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.served.keys()].map((site) => this.stop(site)));
  }

  private async start(site: string): Promise<Served> {
    const { connection, namespace, drivers, interceptors = {}, log } = this.options;
    const taskQueue = siteQueue(site);
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      identity: workerIdentity(taskQueue),
      activities: createAllSiteActivities(drivers),
      interceptors,
      maxConcurrentActivityTaskExecutions: slotsPerSite,
      // Otherwise a heartbeat may wait for four fifths of its timeout, and whoever watches with it.
      maxHeartbeatThrottleInterval: '2s',
      shutdownGraceTime: '10s',
    });
    log.info({ site }, 'serves the site');
    const ended = worker.run().catch((error: unknown) => {
      this.failed = true;
      log.error({ site, error: String(error) }, 'the site is no longer served');
    });
    return { worker, ended };
  }

  private async stop(site: string): Promise<void> {
    const starting = this.served.get(site);
    this.served.delete(site);
    const { worker, ended } = (await starting) ?? {};
    if (worker?.getState() === 'RUNNING') worker.shutdown();
    await ended;
    this.options.log.info({ site }, 'no longer serves the site');
  }
}
