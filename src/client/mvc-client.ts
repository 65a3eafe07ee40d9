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

/** One operation among those on a cluster, which all have the same workflow id. */
export interface StartedOperation {
  cluster: string;
  runId: string;
}

const watchEveryMs = 700;
/** How long an engine may be silent before watching is given up. */
const patienceMs = 60_000;

/**
 * Starts, watches and ends operations on clusters. Every failure that it throws is a `Failure` with
 * a sentence for a person.
 *
 * @example
 * const mvc = await MvcClient.connect({ connection: { address: '127.0.0.1:7233' } });
 * const build = await mvc.build({ name: 'demo', origin: 'alpine', sites: [{ name: 'alpine', computes: 2 }] });
 * for await (const progress of mvc.watch(build)) console.log(progress.phase);
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
  async build(spec: ClusterSpecInput): Promise<StartedOperation> {
    const checked = parseInput(clusterSpecSchema, spec, `the spec of cluster ${spec.name}`);
    return this.start('buildCluster', checked.name, checked);
  }

  /** The operation that runs on the cluster, or the last one that ran. */
  async latest(cluster: string): Promise<StartedOperation> {
    const description = await this.describe({ cluster });
    if (description) return { cluster, runId: description.runId };
    throw new Failure('NotFound', `no operation on a cluster ${cluster} is known`, {
      help: '`mvc list` shows the clusters, `mvc history` what was',
    });
  }

  /** Waits for the end of an operation, and returns its result. */
  async result(operation: StartedOperation): Promise<BuildResult | DestroyResult> {
    try {
      return (await this.handle(operation).result()) as BuildResult | DestroyResult;
    } catch (error) {
      throw toClientFailure(error, `cluster ${operation.cluster}`);
    }
  }

  /**
   * Where an operation stands, until it has ended. Ending the iteration stops only the watching. An
   * engine that is away for a minute is waited for: the operation goes on meanwhile.
   */
  async *watch(operation: StartedOperation): AsyncGenerator<WatchedProgress> {
    let silentSince: number | undefined;
    for (;;) {
      try {
        const { progress, running } = await this.look(operation);
        silentSince = undefined;
        yield progress;
        if (!running) return;
      } catch (error) {
        silentSince ??= Date.now();
        if (Date.now() - silentSince > patienceMs) throw toClientFailure(error, operation.cluster);
      }
      await sleep(watchEveryMs);
    }
  }

  private async look(operation: StartedOperation) {
    const running = (await this.describe(operation))?.status.name === 'RUNNING';
    const progress = await this.progress(operation);
    const notes = running ? await pendingNotes(this.engine, operation.cluster) : [];
    return { running, progress: { ...progress, notes } };
  }

  /** Stops the operation that runs on the cluster and waits for its end. What exists is kept. */
  async cancel(cluster: string): Promise<void> {
    const description = await this.describe({ cluster });
    if (description?.status.name !== 'RUNNING') return;
    const operation = { cluster, runId: description.runId };
    await this.handle(operation).cancel();
    // It ends as cancelled, or as what it had become before: both were asked for.
    await this.handle(operation)
      .result()
      .catch(() => undefined);
  }

  /** Stops what runs on the cluster, then starts its removal from every site. */
  async destroy(cluster: string): Promise<StartedOperation> {
    await this.cancel(cluster);
    return this.start('destroyCluster', cluster, { name: cluster });
  }

  /** What carries this installation's mark at the sites. */
  async inventory(filter: { site?: string; cluster?: string } = {}): Promise<Inventory> {
    return this.execute<Inventory>('takeInventory', `inventory:${randomUUID()}`, filter);
  }

  /** Undefined if the engine knows no such run. */
  private async describe(operation: { cluster: string; runId?: string }) {
    try {
      return await this.handle(operation).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw toClientFailure(error, `cluster ${operation.cluster}`);
    }
  }

  private async progress(operation: StartedOperation): Promise<ClusterProgress> {
    try {
      return await this.handle(operation).query<ClusterProgress>('progress');
    } catch {
      // Before its first task, or while no control worker runs, the run cannot be asked.
      const message = 'waiting for the control worker (`mvc status`)';
      return {
        cluster: operation.cluster,
        operation: 'build',
        phase: 'building',
        steps: [],
        message,
      };
    }
  }

  private handle({ cluster, runId }: { cluster: string; runId?: string }) {
    return this.engine.workflow.getHandle(clusterWorkflowId(cluster), runId);
  }

  private async start(type: string, cluster: string, input: unknown): Promise<StartedOperation> {
    try {
      const handle = await this.engine.workflow.start(type, {
        workflowId: clusterWorkflowId(cluster),
        taskQueue: controlQueue,
        args: [input],
        staticSummary: `${type} ${cluster}`,
      });
      return { cluster, runId: handle.firstExecutionRunId };
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
