import { access } from 'node:fs/promises';
import type { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createControlQueueWorker, type ControlQueue } from './control-queue.ts';
import type { WorkflowVersions } from './versions.ts';
import { bundlePath } from './workflow-bundle.ts';

const lookEveryMs = 60_000;

interface Served {
  worker: Worker;
  ended: Promise<void>;
}

/**
 * Serves, beside the worker of this program's own version, every other version on which runs may be
 * open: they end on the code that they began with, and no old program has to be kept running.
 */
export class OlderVersions {
  private readonly served = new Map<string, Served>();
  private readonly missing = new Set<string>();
  private readonly options: {
    queue: ControlQueue;
    versions: WorkflowVersions;
    /** The version that is served already. */
    own: string;
    /** Where the bundles are kept, see `workflowBundle`. */
    cacheDirectory: string;
    log: Logger;
    everyMs?: number;
  };
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> = Promise.resolve();

  constructor(options: OlderVersions['options']) {
    this.options = options;
  }

  /** Versions that are served at the moment. */
  get versions(): string[] {
    return [...this.served.keys()];
  }

  /** Serves what is open now, and looks again every minute. */
  start(): void {
    this.look();
    this.timer = setInterval(() => this.look(), this.options.everyMs ?? lookEveryMs);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
    await Promise.all([...this.served.keys()].map((version) => this.end(version)));
  }

  private look(): void {
    const { log } = this.options;
    this.looking = this.looking
      .then(() => this.follow())
      .catch((error: unknown) => {
        log.warn({ error: String(error) }, 'cannot tell which older versions have open runs');
      });
  }

  private async follow(): Promise<void> {
    const open = (await this.options.versions.listOpen()).filter(
      (version) => version !== this.options.own,
    );
    for (const version of open) if (!this.served.has(version)) await this.serve(version);
    for (const version of this.served.keys()) {
      if (!open.includes(version)) await this.end(version);
    }
  }

  private async serve(version: string): Promise<void> {
    const { queue, cacheDirectory, log } = this.options;
    const bundle = bundlePath(cacheDirectory, version);
    if (!(await exists(bundle))) return this.sayMissing(version, bundle);
    const worker = await createControlQueueWorker(queue, bundle);
    const ended = worker
      .run()
      .catch((error: unknown) => {
        log.error({ version, error: String(error) }, 'an older version is no longer served');
      })
      .finally(() => this.served.delete(version));
    this.served.set(version, { worker, ended });
    log.info({ version }, 'serves an older version, on which runs may be open');
  }

  private sayMissing(version: string, bundle: string): void {
    if (this.missing.has(version)) return;
    this.missing.add(version);
    this.options.log.error(
      { version, bundle },
      `runs that began on version ${version} may be open and cannot go on here: its bundle is not kept; put it back, or see docs/upgrade.md`,
    );
  }

  private async end(version: string): Promise<void> {
    const { worker, ended } = this.served.get(version) ?? {};
    if (worker?.getState() === 'RUNNING') worker.shutdown();
    await ended;
    this.options.log.info({ version }, 'no longer serves this older version');
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
