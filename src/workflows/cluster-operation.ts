import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  log,
  setHandler,
} from '@temporalio/workflow';
import type {
  ClusterPhase,
  ClusterSpec,
  OperationKind,
  ParkedStep,
  StepRecord,
} from '../domain/cluster.ts';
import type { OperationScope } from '../domain/operation.ts';
import type { PlanChange } from '../domain/plan-change.ts';
import { control } from './activities.ts';
import { messageOf, parseWorkflowInput, workflowFailure } from './failures.ts';
import {
  resumeSignal,
  resumeUpdate,
  siteNewsSignal,
  type Answer,
  type SiteNews,
} from './messages.ts';
import { resumeInputSchema, type ResumeInput, type ResumeResult } from '../domain/progress.ts';
import { ProgressBoard } from './progress.ts';
import { noteStep } from './step-notes.ts';
import { Steps } from './steps.ts';

/** The site workflows that are at work for an operation. */
export interface Sites {
  hear(news: SiteNews): void;
  answer(site: string, answer: Answer): Promise<void>;
}

/** How an operation ended that was not done. */
export interface UnfinishedEnd {
  outcome: 'failed' | 'cancelled';
  message: string;
}

/**
 * The frame of every operation on a cluster: its board for watchers, its steps, what it answers to
 * `resume`, the record of what is parked, and its end.
 */
export class ClusterOperation {
  readonly cluster: string;
  readonly board: ProgressBoard;
  readonly steps: Steps;
  /** Known once the operation is recorded. */
  scope: OperationScope | undefined;
  sites: Sites | undefined;
  /** Every site has given its part of the reservation. */
  gangComplete = false;
  /** Takes a corrected spec, while that is possible. */
  respec: ((spec: ClusterSpec) => Promise<PlanChange>) | undefined;

  constructor(cluster: string, kind: OperationKind, phase: ClusterPhase) {
    this.cluster = cluster;
    this.board = new ProgressBoard(cluster, kind, phase);
    this.steps = new Steps(cluster, this.board.record);
    setHandler(siteNewsSignal, (news) => this.sites?.hear(news), {
      description: 'Sent by the site workflows: steps and milestones.',
    });
    setHandler(resumeUpdate, (input) => this.resume(resumeInputSchema.parse(input)), {
      validator: (input) => this.checkResume(input),
      description:
        'Goes on with parked steps: {} tries all again; {"site":"…","step":"…"} means one; {"action":"skip"} leaves it out; {"spec":{…}} corrects the input.',
    });
    setHandler(resumeSignal, (input) => this.resumeQuietly(input), {
      description: 'As the Update `resume`, without an answer.',
    });
  }

  /**
   * Runs the operation to its end.
   *
   * @param close records the end of one that failed or was cancelled. What exists is kept.
   */
  async run<T>(body: () => Promise<T>, close: (end: UnfinishedEnd) => Promise<void>): Promise<T> {
    const reporting = new CancellationScope();
    const reports = reporting.run(() => this.reportParked()).catch(() => undefined);
    try {
      return await body();
    } catch (error) {
      await CancellationScope.nonCancellable(() => this.close(error, close));
      if (isCancellation(error)) throw error;
      throw workflowFailure(error);
    } finally {
      reporting.cancel();
      await CancellationScope.nonCancellable(async () => {
        await reports;
        await condition(allHandlersFinished);
      });
    }
  }

  /** Works on what is recorded from now on, and tells of MACs that were given anew with it. */
  take(scope: OperationScope): void {
    this.scope = scope;
    const { reassigned } = scope;
    if (!reassigned) return;
    const now = Date.now();
    const note = reassigned.join('; ');
    const record: StepRecord = { step: 'macs', startedAt: now, finishedAt: now, note };
    noteStep(this.cluster, record);
    this.board.record(record);
  }

  /** @throws {Error} if the operation is not recorded yet: a bug. */
  get recorded(): OperationScope {
    if (this.scope) return this.scope;
    throw new Error('the operation has no scope yet');
  }

  private async close(error: unknown, close: (end: UnfinishedEnd) => Promise<void>): Promise<void> {
    const outcome = isCancellation(error) ? 'cancelled' : 'failed';
    const message = outcome === 'cancelled' ? 'cancelled; what exists is kept' : messageOf(error);
    this.board.setPhase(outcome, message);
    if (!this.scope) return;
    try {
      await close({ outcome, message });
    } catch (closing) {
      // The operation's own error is the one that a person needs.
      log.warn('the end of the operation could not be recorded', { error: messageOf(closing) });
    }
  }

  /** Keeps the record of what is parked, which is read where the engine is not asked. */
  private async reportParked(): Promise<void> {
    let told = JSON.stringify([]);
    for (;;) {
      await condition(() => this.scope !== undefined && JSON.stringify(this.board.parked) !== told);
      const { parked } = this.board;
      told = JSON.stringify(parked);
      await control.recordAttention({ operation: this.recorded.operation, parked });
    }
  }

  private checkResume(input: unknown): void {
    const { step, site, action, spec } = parseWorkflowInput(resumeInputSchema, input);
    if (spec) {
      if (spec.name !== this.cluster) refuse(`the spec is of cluster ${spec.name}`);
      if (!this.respec) refuse('this operation cannot take a corrected spec now');
      return;
    }
    const meant = this.parkedSteps(step, site);
    if (meant.length === 0) {
      const all = this.board.parked.map(nameOf);
      refuse(
        all.length === 0
          ? 'no step is parked'
          : `no such step is parked; parked: ${all.join(', ')}`,
      );
    }
    const needed = meant.filter((each) => action === 'skip' && !each.skippable);
    if (needed.length > 0) refuse(`cannot be left out: ${needed.map(nameOf).join(', ')}`);
  }

  private async resume(input: ReturnType<typeof resumeInputSchema.parse>): Promise<ResumeResult> {
    const meant = this.parkedSteps(input.step, input.site);
    const resumed = meant.map(({ step, site }) => ({
      step,
      ...(site === undefined ? {} : { site }),
    }));
    if (input.spec && this.respec) {
      try {
        return { resumed, change: await this.respec(input.spec) };
      } catch (error) {
        throw workflowFailure(error);
      }
    }
    for (const { step, site } of meant) {
      if (this.steps.answer(step, site, input.action)) continue;
      if (site !== undefined) await this.sites?.answer(site, { step, action: input.action });
    }
    return { resumed };
  }

  private async resumeQuietly(input: ResumeInput): Promise<void> {
    try {
      this.checkResume(input);
      await this.resume(resumeInputSchema.parse(input));
    } catch (error) {
      log.warn('a signal to resume was not followed', { error: messageOf(error) });
    }
  }

  private parkedSteps(step: string | undefined, site: string | undefined): ParkedStep[] {
    return this.board.parked.filter(
      (each) =>
        (step === undefined || each.step === step) && (site === undefined || each.site === site),
    );
  }
}

function nameOf({ step, site }: ParkedStep): string {
  return site === undefined ? step : `${step} at ${site}`;
}

function refuse(why: string): never {
  throw ApplicationFailure.nonRetryable(why, 'BadInput');
}
