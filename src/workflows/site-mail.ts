import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  setHandler,
} from '@temporalio/workflow';
import type { StepRecord } from '../domain/cluster.ts';
import type { ImageRef } from '../domain/image.ts';
import { goSignal, siteNewsSignal, type Milestone } from './messages.ts';

/**
 * A site workflow's side of the talk with its cluster's workflow. News that come up together travel
 * in one signal, which keeps the histories short.
 */
export class SiteMail {
  private steps: StepRecord[] = [];
  private reached: Milestone[] = [];
  private started: string[] = [];
  private sending: Promise<void> = Promise.resolve();
  private readonly gone = new Set<Milestone>();
  private image: ImageRef | undefined;
  private readonly site: string;
  private readonly parent: { workflowId: string; runId: string };

  constructor(site: string, parent: { workflowId: string; runId: string }) {
    this.site = site;
    this.parent = parent;
    setHandler(
      goSignal,
      (go) => {
        for (const milestone of go.reached) this.gone.add(milestone);
        this.image ??= go.image;
      },
      { description: 'Sent by the cluster workflow: what all sites have reached.' },
    );
  }

  readonly tell = (record: StepRecord): void => {
    this.steps.push(record);
    this.post();
  };

  reach(milestone: Milestone, started: string[] = []): void {
    this.reached.push(milestone);
    this.started.push(...started);
    this.post();
  }

  /** Waits until the cluster's workflow says that all sites have reached it. */
  async go(milestone: Milestone): Promise<void> {
    await condition(() => this.gone.has(milestone));
  }

  async builtImage(): Promise<ImageRef> {
    await condition(() => this.image !== undefined);
    if (!this.image) throw new Error('unreachable: the condition above waits for the image');
    return this.image;
  }

  /** Waits until all news have left. */
  async flushed(): Promise<void> {
    await this.sending;
  }

  private post(): void {
    // A closed parent needs no news, and cancels this workflow anyway.
    this.sending = this.sending.then(() => this.send()).catch(() => undefined);
  }

  private async send(): Promise<void> {
    if (this.steps.length + this.reached.length === 0) return;
    const news = {
      site: this.site,
      steps: this.steps,
      reached: this.reached,
      started: this.started,
    };
    this.steps = [];
    this.reached = [];
    this.started = [];
    const { workflowId, runId } = this.parent;
    // Also when this site is cancelled: its last news tell how far it came.
    await CancellationScope.nonCancellable(() =>
      getExternalWorkflowHandle(workflowId, runId).signal(siteNewsSignal, news),
    );
  }
}
