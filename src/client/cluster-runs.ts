import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { askedByMemo } from '../domain/asked-by.ts';
import type { OperationKind } from '../domain/cluster.ts';
import { clusterWorkflowId, controlQueue } from '../domain/engine-names.ts';
import { Failure } from '../domain/failure.ts';
import type { ClusterProgress, ResumeInput, ResumeResult } from '../domain/progress.ts';
import { callerName } from './caller.ts';
import { toClientFailure } from './client-failure.ts';
import { operationKindOf, phaseDuring, workflowTypes } from './operation-types.ts';
import { runningActivities } from './running-activities.ts';
import { WatchMemory, type WatchedProgress } from './watched.ts';

/** One operation among those on a cluster, which all have the same workflow id. */
export interface StartedOperation {
  cluster: string;
  runId: string;
}

/** What runs on a cluster at the moment. */
export interface RunningOperation extends StartedOperation {
  kind: OperationKind;
  /** Milliseconds since 1970. */
  startedAt: number;
}

const watchEveryMs = 1_000;
/** How long an engine may be silent before watching is given up. */
const patienceMs = 60_000;
/** How long a worker may take to answer a question, or to take up a request. */
const answerMs = 10_000;
const takeUpMs = 30_000;
/** How often a destroy stops what others have started meanwhile, before it gives way. */
const destroyAttempts = 5;

/** The runs under `cluster:<name>`: at most one of them is running. */
export class ClusterRuns {
  private readonly engine: Client;

  constructor(engine: Client) {
    this.engine = engine;
  }

  /** @throws {Failure} Busy, naming what runs. */
  async start(kind: OperationKind, cluster: string, input: unknown): Promise<StartedOperation> {
    const type = workflowTypes[kind];
    try {
      const handle = await this.engine.workflow.start(type, {
        workflowId: clusterWorkflowId(cluster),
        taskQueue: controlQueue,
        args: [input],
        staticSummary: `${type} ${cluster}`,
        memo: { [askedByMemo]: callerName() },
      });
      return { cluster, runId: handle.firstExecutionRunId };
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) {
        throw toClientFailure(error, `cluster ${cluster}`);
      }
      const running = await this.running(cluster);
      throw new Failure('Busy', `a ${running?.kind ?? kind} of cluster ${cluster} is running`, {
        help: `\`mvc watch ${cluster}\` shows it, \`mvc resume ${cluster}\` goes on with what is parked, \`mvc cancel ${cluster}\` stops it`,
        cause: error,
      });
    }
  }

  /** Undefined if nothing runs. */
  async running(cluster: string): Promise<RunningOperation | undefined> {
    const description = await this.describe({ cluster });
    if (description?.status.name !== 'RUNNING') return undefined;
    return {
      cluster,
      runId: description.runId,
      kind: operationKindOf(description.type),
      startedAt: description.startTime.getTime(),
    };
  }

  /** Undefined if the engine knows no such run. */
  async describe(operation: { cluster: string; runId?: string }) {
    try {
      return await this.handle(operation).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw toClientFailure(error, `cluster ${operation.cluster}`);
    }
  }

  async result(operation: StartedOperation): Promise<unknown> {
    try {
      return await this.handle(operation).result();
    } catch (error) {
      throw toClientFailure(error, `cluster ${operation.cluster}`);
    }
  }

  async *watch(operation: StartedOperation): AsyncGenerator<WatchedProgress> {
    const memory = new WatchMemory();
    let silentSince: number | undefined;
    for (;;) {
      try {
        const { progress, running } = await this.look(operation, memory);
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

  private async look(operation: StartedOperation, memory: WatchMemory) {
    const description = await this.describe(operation);
    const running = description?.status.name === 'RUNNING';
    const progress = await this.progress(operation, operationKindOf(description?.type ?? ''));
    const activities = running
      ? await runningActivities(this.engine, operation.cluster, description)
      : [];
    return { running, progress: memory.next(progress, activities, Date.now()) };
  }

  /** Where a run stands, in its own words; without steps while no control worker can be asked. */
  async progress(operation: StartedOperation, kind: OperationKind): Promise<ClusterProgress> {
    try {
      return await this.engine.withDeadline(Date.now() + answerMs, () =>
        this.handle(operation).query<ClusterProgress>('progress'),
      );
    } catch {
      return {
        cluster: operation.cluster,
        operation: kind,
        phase: phaseDuring(kind),
        steps: [],
        message: 'waiting for the control worker (`mvc status`)',
      };
    }
  }

  /** Stops what runs and waits for its end. Returns what it was; undefined if nothing ran. */
  async cancel(cluster: string): Promise<RunningOperation | undefined> {
    const running = await this.running(cluster);
    if (!running) return undefined;
    await this.handle(running).cancel();
    // It ends as cancelled, or as what it had become before: both were asked for.
    await this.handle(running)
      .result()
      .catch(() => undefined);
    return running;
  }

  /** Joins a removal that runs already; otherwise stops what runs, and starts one. */
  async destroy(cluster: string): Promise<StartedOperation> {
    for (let attempt = 1; ; attempt += 1) {
      const running = await this.running(cluster);
      if (running?.kind === 'destroy') return { cluster, runId: running.runId };
      if (running) await this.cancel(cluster);
      try {
        return await this.start('destroy', cluster, { name: cluster });
      } catch (error) {
        // Something was started in between, perhaps by the schedule that looks after the cluster.
        const busy = error instanceof Failure && error.kind === 'Busy';
        if (!busy || attempt >= destroyAttempts) throw error;
      }
    }
  }

  /** @throws {Failure} NotFound if nothing runs; BadInput if nothing that is parked is meant. */
  async resume(cluster: string, input: ResumeInput): Promise<ResumeResult> {
    const running = await this.running(cluster);
    if (!running) throw nothingRuns(cluster);
    try {
      const update = await this.engine.withDeadline(Date.now() + takeUpMs, () =>
        this.handle(running).startUpdate<ResumeResult, [ResumeInput]>('resume', {
          args: [input],
          waitForStage: 'ACCEPTED',
        }),
      );
      return await update.result();
    } catch (error) {
      // It ended between the two questions.
      if (error instanceof WorkflowNotFoundError) throw nothingRuns(cluster);
      throw toClientFailure(error, `cluster ${cluster}`);
    }
  }

  private handle({ cluster, runId }: { cluster: string; runId?: string }) {
    return this.engine.workflow.getHandle(clusterWorkflowId(cluster), runId);
  }
}

function nothingRuns(cluster: string): Failure {
  return new Failure('NotFound', `nothing runs on cluster ${cluster}`, {
    help: '`mvc create` goes on with a build that was cancelled or failed',
  });
}
