import { randomUUID } from 'node:crypto';
import { Connection, Client, type ConnectionOptions } from '@temporalio/client';
import { clusterSpecSchema, type ClusterSpecInput } from '../domain/cluster.ts';
import { controlQueue, siteWorkflowId } from '../domain/engine-names.ts';
import { Failure, parseInput } from '../domain/failure.ts';
import { clusterNameSchema, siteNameSchema, vmNameSchema } from '../domain/names.ts';
import type { PlanPreview } from '../domain/plan-change.ts';
import { siteSchema, type SiteFacts, type SiteInput } from '../domain/site.ts';
import type { ClusterProgress, ResumeInput, ResumeResult } from '../domain/progress.ts';
import type {
  ConsoleText,
  Inventory,
  OperationResult,
  ReconcileResult,
  SweepResult,
} from '../domain/results.ts';
import type { ClusterPaths } from '../domain/overlay.ts';
import type { Topology, TopologyRequest } from '../domain/topology.ts';
import type { ClusterUser, UsersRequest } from '../domain/users.ts';
import { toClientFailure, toConnectFailure } from './client-failure.ts';
import { ClusterRuns, type RunningOperation, type StartedOperation } from './cluster-runs.ts';
import type { WatchedProgress } from './watched.ts';

export interface MvcClientOptions {
  /** As @temporalio/client takes it: address, TLS, API key. */
  connection: ConnectionOptions;
  namespace?: string;
}

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
  private readonly runs: ClusterRuns;

  private constructor(connection: Connection, namespace: string | undefined) {
    this.connection = connection;
    this.engine = new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
    this.runs = new ClusterRuns(this.engine);
  }

  /** @throws {Failure} Unreachable when the workflow engine does not answer; AccessDenied. */
  static async connect(options: MvcClientOptions): Promise<MvcClient> {
    try {
      const connection = await Connection.connect({ connectTimeout: '5s', ...options.connection });
      return new MvcClient(connection, options.namespace);
    } catch (error) {
      throw toConnectFailure(error, options.connection.address ?? 'its address');
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

  /** Asks the sites and plans, or says what the spec would change of a cluster that is there. Changes nothing. */
  async plan(spec: ClusterSpecInput): Promise<PlanPreview> {
    const checked = parseInput(clusterSpecSchema, spec, `the spec of cluster ${spec.name}`);
    return this.execute<PlanPreview>(
      'previewCluster',
      `plan:${checked.name}:${randomUUID()}`,
      checked,
    );
  }

  /**
   * Starts a build, or goes on with one that failed or was cancelled. Returns when it is started, as
   * do all operations on a cluster: `watch` and `result` tell the rest.
   *
   * @throws {Failure} Busy when an operation on this cluster is running.
   */
  async build(spec: ClusterSpecInput): Promise<StartedOperation> {
    const checked = parseInput(clusterSpecSchema, spec, `the spec of cluster ${spec.name}`);
    return this.runs.start('build', checked.name, checked);
  }

  /**
   * Gives a cluster another number of computes at the named sites; the other sites keep theirs.
   *
   * @param sites site → number of computes.
   * @throws {Failure} Busy, BadInput.
   */
  async scale(cluster: string, sites: Record<string, number>): Promise<StartedOperation> {
    for (const site of Object.keys(sites)) parseInput(siteNameSchema, site, `site ${site}`);
    return this.runs.start('scale', cluster, { ...named(cluster), sites });
  }

  /**
   * Mends what is not as it should be, and nothing else.
   *
   * @param options.newKey also gives the overlay another key.
   * @throws {Failure} Busy, BadInput.
   */
  async repair(cluster: string, options: { newKey?: boolean } = {}): Promise<StartedOperation> {
    return this.runs.start('repair', cluster, { ...named(cluster), ...options });
  }

  /** Powers a whole cluster, or one VM of it, down. @throws {Failure} Busy, BadInput. */
  async stop(cluster: string, vm?: string): Promise<StartedOperation> {
    return this.runs.start('stop', cluster, named(cluster, vm));
  }

  /** Powers a whole cluster, or one VM of it, up. @throws {Failure} Busy, BadInput. */
  async start(cluster: string, vm?: string): Promise<StartedOperation> {
    return this.runs.start('start', cluster, named(cluster, vm));
  }

  /**
   * Tries parked steps of the running operation again, or leaves them out.
   *
   * @param input which of the parked steps (all by default), and a corrected spec if it is to go on
   *     with that.
   * @throws {Failure} NotFound if nothing runs; BadInput if nothing that is parked is meant.
   */
  async resume(cluster: string, input: ResumeInput = {}): Promise<ResumeResult> {
    return this.runs.resume(cluster, input);
  }

  /** The operation that runs on the cluster, or the last one that ran. */
  async latest(cluster: string): Promise<StartedOperation> {
    const description = await this.runs.describe({ cluster });
    if (description) return { cluster, runId: description.runId };
    throw new Failure('NotFound', `no operation on a cluster ${cluster} is known`, {
      help: '`mvc list` shows the clusters, `mvc history` what was',
    });
  }

  /** What runs on the cluster at the moment, and where it stands; undefined if nothing runs. */
  async running(
    cluster: string,
  ): Promise<(RunningOperation & { progress: ClusterProgress }) | undefined> {
    const running = await this.runs.running(cluster);
    return running && { ...running, progress: await this.runs.progress(running, running.kind) };
  }

  /** Waits for the end of an operation, and returns its result. */
  async result(operation: StartedOperation): Promise<OperationResult> {
    return (await this.runs.result(operation)) as OperationResult;
  }

  /**
   * Where an operation stands, until it has ended. Ending the iteration stops only the watching. An
   * engine that is away for a minute is waited for: the operation goes on meanwhile.
   */
  watch(operation: StartedOperation): AsyncGenerator<WatchedProgress> {
    return this.runs.watch(operation);
  }

  /**
   * Stops the operation that runs on the cluster and waits for its end. What exists is kept.
   *
   * @returns what it was; undefined if nothing ran.
   */
  async cancel(cluster: string): Promise<RunningOperation | undefined> {
    return this.runs.cancel(cluster);
  }

  /** Stops what runs on the cluster, then starts its removal from every site; joins a removal that runs. */
  async destroy(cluster: string): Promise<StartedOperation> {
    return this.runs.destroy(named(cluster).name);
  }

  /** What carries this installation's mark at the sites. */
  async inventory(filter: { site?: string; cluster?: string } = {}): Promise<Inventory> {
    return this.execute<Inventory>('takeInventory', `inventory:${randomUUID()}`, filter);
  }

  /**
   * What carries this installation's mark but belongs to no cluster; removes it if asked to.
   *
   * @param input `cluster`: only what was left by clusters of this name.
   */
  async sweep(input: { remove: boolean; cluster?: string }): Promise<SweepResult> {
    return this.execute<SweepResult>('sweepSites', `sweep:${randomUUID()}`, input, '30m');
  }

  /** Compares all that is recorded with what is at the sites, as after an older database was restored. */
  async reconcile(): Promise<ReconcileResult> {
    return this.execute<ReconcileResult>('reconcileSites', `reconcile:${randomUUID()}`, {}, '30m');
  }

  /** The end of a VM's serial console. @param bytes at most 65,536. @throws {Failure} NotFound. */
  async console(cluster: string, vm: string, bytes?: number): Promise<ConsoleText> {
    const { name } = named(cluster, vm);
    const input = { cluster: name, vm, ...(bytes === undefined ? {} : { bytes }) };
    return this.execute<ConsoleText>('readConsole', `console:${name}:${randomUUID()}`, input);
  }

  /**
   * Adds or removes a user of a cluster that runs; without a change, only tells who there is.
   *
   * @returns the users that there are then.
   */
  async users(request: UsersRequest): Promise<ClusterUser[]> {
    const { name } = named(request.name);
    return this.execute<ClusterUser[]>('manageUsers', `users:${name}:${randomUUID()}`, request);
  }

  /** How far a cluster's sites are apart; measured in about half a minute if it was not before. */
  async topology(request: TopologyRequest): Promise<Topology> {
    const { name } = named(request.name);
    const id = `topology:${name}:${randomUUID()}`;
    return this.execute<Topology>('clusterTopology', id, request, '30m');
  }

  /** How a cluster's VM containers reach each other: directly, or relayed by which other one. */
  async paths(cluster: string): Promise<ClusterPaths> {
    const { name } = named(cluster);
    return this.execute<ClusterPaths>('clusterPaths', `paths:${name}:${randomUUID()}`, { name });
  }

  private async execute<T>(
    type: string,
    workflowId: string,
    input: unknown,
    timeout: '5m' | '30m' = '5m',
  ): Promise<T> {
    try {
      return (await this.engine.workflow.execute(type, {
        workflowId,
        taskQueue: controlQueue,
        args: [input],
        workflowExecutionTimeout: timeout,
      })) as T;
    } catch (error) {
      throw toClientFailure(error, workflowId);
    }
  }
}

/** The workflows check the rest of their input; the name is needed before, for the run's id. */
function named(cluster: string, vm?: string): { name: string; vm?: string } {
  const name = parseInput(clusterNameSchema, cluster, `the name ${cluster}`);
  if (vm === undefined) return { name };
  return { name, vm: parseInput(vmNameSchema, vm, `the name ${vm}`) };
}
