import { randomUUID } from 'node:crypto';
import {
  Connection,
  Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type ConnectionOptions,
} from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterSpecSchema, type ClusterSpecInput } from '../domain/cluster.ts';
import { clusterWorkflowId, controlQueue, siteWorkflowId } from '../domain/engine-names.ts';
import { Failure, parseInput } from '../domain/failure.ts';
import type { ClusterPlan } from '../domain/plan.ts';
import { siteSchema, type SiteFacts, type SiteInput } from '../domain/site.ts';
import type { BuildResult } from '../workflows/build-cluster.ts';
import type { DestroyResult } from '../workflows/destroy-cluster.ts';
import type { ClusterProgress } from '../workflows/messages.ts';
import type { Inventory } from '../workflows/survey.ts';
import { toClientFailure } from './client-failure.ts';
import { pendingNotes } from './pending-notes.ts';

export interface MvcClientOptions {
  /** As @temporalio/client takes it: address, TLS, API key. */
  connection: ConnectionOptions;
  namespace?: string;
}

/** What a watcher sees at one moment: the steps, and what the running activities say. */
export interface WatchedProgress extends ClusterProgress {
  notes: string[];
}

const watchEveryMs = 700;

/**
 * Starts, watches and ends operations on clusters. Every failure that it throws is a `Failure` with
 * a sentence for a person.
 *
 * @example
 * const mvc = await MvcClient.connect({ connection: { address: '127.0.0.1:7233' } });
 * await mvc.build({ name: 'demo', origin: 'alpine', sites: [{ name: 'alpine', computes: 2 }] });
 * for await (const progress of mvc.watch('demo')) console.log(progress.phase);
 */
export class MvcClient {
  private readonly connection: Connection;
  private readonly engine: Client;

  private constructor(connection: Connection, namespace: string | undefined) {
    this.connection = connection;
    this.engine = new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
  }

  /** @throws {Failure} Unreachable when the workflow engine does not answer. */
  static async connect(options: MvcClientOptions): Promise<MvcClient> {
    try {
      const connection = await Connection.connect({ connectTimeout: '5s', ...options.connection });
      return new MvcClient(connection, options.namespace);
    } catch (error) {
      throw new Failure(
        'Unreachable',
        `Temporal does not answer at ${options.connection.address ?? 'its address'}`,
        {
          help: 'start the services with `mvc up`',
          cause: error,
        },
      );
    }
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** Registers a site if all of its hosts answer and have what they need. */
  async registerSite(site: SiteInput): Promise<SiteFacts> {
    const checked = parseInput(siteSchema, site, `site ${site.name}`);
    return this.execute<SiteFacts>('registerSite', siteWorkflowId(checked.name), checked);
  }

  /** Gives a registered site a new definition, if all of its hosts answer under it. */
  async updateSite(site: SiteInput): Promise<SiteFacts> {
    const checked = parseInput(siteSchema, site, `site ${site.name}`);
    return this.execute<SiteFacts>('updateSite', siteWorkflowId(checked.name), checked);
  }

  async removeSite(name: string): Promise<void> {
    await this.execute<void>('removeSite', siteWorkflowId(name), { name });
  }

  /** Asks the sites and plans; changes nothing. */
  async plan(spec: ClusterSpecInput): Promise<ClusterPlan> {
    const checked = parseInput(clusterSpecSchema, spec, `the spec of cluster ${spec.name}`);
    return this.execute<ClusterPlan>(
      'previewCluster',
      `plan:${checked.name}:${randomUUID()}`,
      checked,
    );
  }

  /**
   * Starts a build, or goes on with one that failed or was cancelled. Returns when it is started.
   *
   * @throws {Failure} Busy when an operation on this cluster is running.
   */
  async build(spec: ClusterSpecInput): Promise<void> {
    const checked = parseInput(clusterSpecSchema, spec, `the spec of cluster ${spec.name}`);
    await this.start('buildCluster', checked.name, checked);
  }

  /** Waits for the end of the operation that runs on the cluster, and returns its result. */
  async result(cluster: string): Promise<BuildResult | DestroyResult> {
    try {
      return (await this.handle(cluster).result()) as BuildResult | DestroyResult;
    } catch (error) {
      throw toClientFailure(error, `cluster ${cluster}`);
    }
  }

  /** Where the operation stands, until it has ended. Ending the iteration stops only the watching. */
  async *watch(cluster: string): AsyncGenerator<WatchedProgress> {
    for (;;) {
      const running = await this.isRunning(cluster);
      const progress = await this.progress(cluster);
      const notes = running ? await pendingNotes(this.engine, cluster) : [];
      if (progress) yield { ...progress, notes };
      if (!running) return;
      await sleep(watchEveryMs);
    }
  }

  /** Stops the operation that runs on the cluster and waits for its end. What exists is kept. */
  async cancel(cluster: string): Promise<void> {
    if (!(await this.isRunning(cluster))) return;
    await this.handle(cluster).cancel();
    // It ends as cancelled, which is what was asked for.
    await this.handle(cluster)
      .result()
      .catch(() => undefined);
  }

  /** Stops what runs on the cluster, then starts its removal from every site. */
  async destroy(cluster: string): Promise<void> {
    await this.cancel(cluster);
    await this.start('destroyCluster', cluster, { name: cluster });
  }

  /** What carries this installation's mark at the sites. */
  async inventory(filter: { site?: string; cluster?: string } = {}): Promise<Inventory> {
    return this.execute<Inventory>('takeInventory', `inventory:${randomUUID()}`, filter);
  }

  /** True while an operation runs on the cluster. */
  async isRunning(cluster: string): Promise<boolean> {
    try {
      return (await this.handle(cluster).describe()).status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw toClientFailure(error, `cluster ${cluster}`);
    }
  }

  private async progress(cluster: string): Promise<ClusterProgress | undefined> {
    try {
      return await this.handle(cluster).query<ClusterProgress>('progress');
    } catch (error) {
      // Between a start and its first task, or while no control worker answers, nothing is known.
      if (error instanceof WorkflowNotFoundError)
        throw toClientFailure(error, `cluster ${cluster}`);
      return undefined;
    }
  }

  private handle(cluster: string) {
    return this.engine.workflow.getHandle(clusterWorkflowId(cluster));
  }

  private async start(type: string, cluster: string, input: unknown): Promise<void> {
    try {
      await this.engine.workflow.start(type, {
        workflowId: clusterWorkflowId(cluster),
        taskQueue: controlQueue,
        args: [input],
        staticSummary: `${type} ${cluster}`,
      });
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) {
        throw new Failure('Busy', `an operation on cluster ${cluster} is already running`, {
          help: `\`mvc watch ${cluster}\` shows it`,
          cause: error,
        });
      }
      throw toClientFailure(error, `cluster ${cluster}`);
    }
  }

  private async execute<T>(type: string, workflowId: string, input: unknown): Promise<T> {
    try {
      return (await this.engine.workflow.execute(type, {
        workflowId,
        taskQueue: controlQueue,
        args: [input],
        workflowExecutionTimeout: '5m',
      })) as T;
    } catch (error) {
      throw toClientFailure(error, workflowId);
    }
  }
}
