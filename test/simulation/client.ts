import { workflowTypes } from '../../src/client/operation-types.ts';
import type { OperationKind, StepRecord } from '../../src/domain/cluster.ts';
import { clusterWorkflowId } from '../../src/domain/engine-names.ts';
import type { ClusterProgress, ResumeInput } from '../../src/domain/progress.ts';
import type { Clock } from './engine/clock.ts';
import type { Outcome, Server } from './engine/server.ts';

/** What a person does, as `MvcClient` does it. */
export class Client {
  private readonly server: Server;
  private readonly clock: Clock;

  constructor(server: Server, clock: Clock) {
    this.server = server;
    this.clock = clock;
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.after(delayMs, resolve);
    });
  }

  /** False if something runs on the cluster already. */
  start(kind: OperationKind, cluster: string, input: unknown): boolean {
    return this.server.start(workflowTypes[kind], clusterWorkflowId(cluster), input) !== undefined;
  }

  /** What remains of sites that were given up. */
  async sweep(): Promise<void> {
    this.server.start('sweepSites', 'sweep', { remove: true });
    await this.server.ended('sweep');
  }

  isRunning(cluster: string): boolean {
    return this.server.isOpen(clusterWorkflowId(cluster));
  }

  async cancel(cluster: string): Promise<void> {
    const id = clusterWorkflowId(cluster);
    if (!this.server.isOpen(id)) return;
    this.server.cancel(id);
    await this.server.ended(id);
  }

  /** Stops what runs, then starts the removal. */
  async destroy(cluster: string): Promise<void> {
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      if (this.server.typeOf(clusterWorkflowId(cluster)) === workflowTypes.destroy) return;
      await this.cancel(cluster);
      if (this.start('destroy', cluster, { name: cluster })) return;
    }
  }

  /** How it ended; undefined if it has not by then. */
  async ended(cluster: string, withinMs: number): Promise<Outcome | undefined> {
    const id = clusterWorkflowId(cluster);
    let timer: { cancel(): void } | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = this.clock.after(withinMs, () => resolve(undefined));
    });
    const outcome = await Promise.race([this.server.ended(id), late]);
    timer?.cancel();
    return outcome;
  }

  async parked(cluster: string): Promise<StepRecord[]> {
    const id = clusterWorkflowId(cluster);
    if (!this.server.isOpen(id)) return [];
    const progress = (await this.server.query(id, 'progress')) as ClusterProgress | undefined;
    return (progress?.steps ?? []).filter((step) => step.parked !== undefined);
  }

  /** False if it was refused. */
  async resume(cluster: string, input: ResumeInput): Promise<boolean> {
    try {
      await this.server.update(clusterWorkflowId(cluster), 'resume', input);
      return true;
    } catch {
      return false;
    }
  }
}
