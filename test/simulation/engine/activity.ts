import { toApplicationFailure } from '../../../src/activities/activity.ts';
import { CancelledFailure, Context, type Info } from '@temporalio/activity';
import type { ProtoFailure } from '@temporalio/common';
import { never, runAttempt, type Attempt } from './attempt.ts';
import type { Clock, Timer } from './clock.ts';
import {
  activityFailure,
  cancelledFailure,
  failureOf,
  retryStates,
  timeoutFailure,
  type RetryState,
  type TimeoutType,
} from './failures.ts';
import { fromPayloads, toPayload, type Payload } from './payloads.ts';
import type { ActivityCall, AttemptPlan, EnginePlan } from './plan.ts';
import type { Random } from './random.ts';

export interface ActivityOptions {
  workflowId: string;
  workflowType: string;
  runId: string;
  activity: string;
  activityId: string;
  queue: string;
  args: Payload[];
  occurrence: number;
  scheduleToStartMs: number | undefined;
  startToCloseMs: number | undefined;
  scheduleToCloseMs: number | undefined;
  heartbeatMs: number | undefined;
  retry: {
    initialMs: number;
    coefficient: number;
    maximumMs: number;
    maximumAttempts: number;
    nonRetryable: string[];
  };
}

export type ActivityResult =
  | { completed: { result: Payload } }
  | { failed: { failure: ProtoFailure } }
  | { cancelled: { failure: ProtoFailure } };

export interface ActivitySurroundings {
  clock: Clock;
  random: Random;
  plan: EnginePlan;
  body: (...args: unknown[]) => Promise<unknown>;
  log: (line: string) => void;
  /** Called once, with the outcome that the workflow is told. */
  settled: (result: ActivityResult) => void;
  /** Of all workers of the queue that live now. */
  alive: Set<Attempt>;
  /** How long nobody serves the queue, from now. */
  absentMs: () => number;
}

interface Running extends Attempt {
  abort: (reason: string) => void;
  answered: boolean;
  /** Nothing that the engine says reaches it. */
  deaf: boolean;
}

/** An activity as the server keeps it: attempts, retries and time-outs until there is an outcome. */
export class Activity {
  readonly options: ActivityOptions;
  private readonly around: ActivitySurroundings;
  private attempts = 0;
  private current: Running | undefined;
  private readonly scheduledAt: number;
  private timers: Timer[] = [];
  private done = false;
  private cancelRequested = false;
  private lastFailure: ProtoFailure | undefined;

  constructor(options: ActivityOptions, around: ActivitySurroundings) {
    this.options = options;
    this.around = around;
    this.scheduledAt = around.clock.now;
    if (options.scheduleToCloseMs !== undefined) {
      const { scheduleToCloseMs } = options;
      this.later(scheduleToCloseMs, () => this.timeOut('scheduleToClose'));
    }
    this.startSoon(around.random.int(1, 40));
  }

  /** @param wait the workflow wants to know how it ended; otherwise it hears at once. */
  requestCancel(wait: boolean): void {
    if (this.done || this.cancelRequested) return;
    this.cancelRequested = true;
    const { current } = this;
    if (!wait || current === undefined) this.settle(this.cancelled());
    if (current) this.tellCancel(current);
  }

  /** The workflow is gone: whatever still runs is a zombie. */
  abandon(): void {
    this.finish();
    if (this.current) this.tellCancel(this.current);
  }

  private tellCancel(attempt: Running): void {
    const { clock, random } = this.around;
    clock.after(random.int(10, 20_000), () => attempt.abort('the engine asks it to stop'));
  }

  private startSoon(delayMs: number): void {
    this.current = undefined;
    this.later(delayMs, () => this.start());
  }

  private start(): void {
    const { scheduleToStartMs } = this.options;
    const absentMs = this.around.absentMs();
    if (scheduleToStartMs !== undefined && absentMs > scheduleToStartMs) {
      return this.later(scheduleToStartMs, () => this.timeOut('scheduleToStart'));
    }
    if (absentMs > 0) return this.startSoon(absentMs);
    this.attempts += 1;
    const { options, around } = this;
    const call: ActivityCall = {
      workflowType: options.workflowType,
      workflowId: options.workflowId,
      activity: options.activity,
      queue: options.queue,
      attempt: this.attempts,
      occurrence: options.occurrence,
    };
    const plan = around.plan.attempt(call);
    if (plan.kind !== 'run') around.log(`  fault: ${this.name} ${plan.kind}`);
    const attempt = this.run(plan, true);
    if (plan.kind === 'twice') this.run({ kind: 'run' }, false);
    if (options.startToCloseMs !== undefined) {
      const { startToCloseMs } = options;
      this.later(startToCloseMs, () => this.attemptTimeOut(attempt, 'startToClose'));
    }
  }

  private get name(): string {
    const { workflowId, activity } = this.options;
    return `${workflowId} ${activity}#${this.attempts}`;
  }

  private run(plan: AttemptPlan, counts: boolean): Running {
    const { attempt, context } = this.createAttempt(plan);
    // Before it begins: one that is killed at once must be missed by its heartbeats, too.
    if (counts) this.current = attempt;
    this.around.alive.add(attempt);
    this.around.log(`> ${this.name}${counts ? '' : ' (again)'}`);
    void this.execute(plan, attempt, context).then(
      (result) => counts && this.answer(attempt, result, undefined),
      (error: unknown) => counts && this.answer(attempt, undefined, error),
    );
    return attempt;
  }

  private async execute(plan: AttemptPlan, attempt: Running, context: Context): Promise<unknown> {
    if (plan.kind === 'fails') throw toApplicationFailure(plan.failure);
    if (plan.kind === 'killed before the effect') {
      attempt.kill();
      return never;
    }
    const result = await runAttempt(context, attempt, () =>
      this.around.body(...fromPayloads(this.options.args)),
    ).finally(() => this.around.alive.delete(attempt));
    if (plan.kind === 'killed before the answer' || plan.kind === 'killed after the effect') {
      attempt.kill();
    }
    if (plan.kind === 'answer lost') throw toApplicationFailure(plan.failure);
    return attempt.dead ? never : result;
  }

  private createAttempt(plan: AttemptPlan): { attempt: Running; context: Context } {
    const controller = new AbortController();
    let rejectCancelled: (error: Error) => void = () => undefined;
    const cancelled = new Promise<never>((_resolve, reject) => {
      rejectCancelled = reject;
    });
    cancelled.catch(() => undefined);
    const attempt: Running = {
      workflow: this.options.workflowId,
      activity: this.options.activity,
      queue: this.options.queue,
      number: this.attempts,
      calls: 0,
      dead: false,
      answered: false,
      deaf: false,
      diesAfterEffect: plan.kind === 'killed after the effect',
      kill: () => {
        if (attempt.dead) return;
        attempt.dead = true;
        this.around.alive.delete(attempt);
        this.silent(attempt);
      },
      cutOff: () => {
        attempt.deaf = true;
        this.silent(attempt);
      },
      abort: (reason) => {
        if (attempt.dead || attempt.deaf) return;
        const error = new CancelledFailure(reason);
        rejectCancelled(error);
        controller.abort(error);
      },
    };
    const context = new Context(
      this.info(),
      cancelled,
      controller.signal,
      () => undefined,
      undefined,
      undefined as never,
      undefined as never,
      {},
    );
    return { attempt, context };
  }

  private info(): Info {
    const { workflowId, runId, workflowType, activity, activityId, queue } = this.options;
    return {
      workflowExecution: { workflowId, runId },
      workflowType,
      activityType: activity,
      activityId,
      attempt: this.attempts,
      taskQueue: queue,
      inWorkflow: true,
      isLocal: false,
      namespace: 'simulated',
      heartbeatDetails: undefined,
    } as unknown as Info;
  }

  /** No heartbeat comes any more. */
  private silent(attempt: Running): void {
    const { heartbeatMs } = this.options;
    if (heartbeatMs === undefined || this.current !== attempt) return;
    const { random } = this.around;
    this.later(random.int(heartbeatMs * 0.8, heartbeatMs), () =>
      this.attemptTimeOut(attempt, 'heartbeat'),
    );
  }

  private attemptTimeOut(attempt: Running, type: TimeoutType): void {
    if (this.done || this.current !== attempt || attempt.answered) return;
    this.around.log(`< ${this.name} has timed out (${type})`);
    // The next heartbeat of one that still runs tells it to stop; one that is cut off hears nothing.
    if (type === 'startToClose') this.tellCancel(attempt);
    this.failed(attempt, timeoutFailure(type));
  }

  private timeOut(type: TimeoutType): void {
    if (this.done) return;
    this.around.log(`< ${this.name} has timed out (${type})`);
    if (this.current) this.tellCancel(this.current);
    this.fail(timeoutFailure(type, this.lastFailure), retryStates.timeout);
  }

  private answer(attempt: Running, result: unknown, error: unknown): void {
    this.around.alive.delete(attempt);
    if (this.done || attempt.dead || attempt.answered || this.current !== attempt) return;
    if (error === undefined) {
      attempt.answered = true;
      this.around.log(`< ${this.name}`);
      this.settle({ completed: { result: toPayload(result) } });
    } else if (error instanceof CancelledFailure) {
      attempt.answered = true;
      if (this.cancelRequested) this.settle(this.cancelled());
    } else {
      const failure = failureOf(error);
      this.around.log(`< ${this.name}: ${failure.message ?? ''}`);
      this.failed(attempt, failure);
    }
  }

  private failed(attempt: Running, failure: ProtoFailure): void {
    attempt.answered = true;
    this.lastFailure = failure;
    const { retry, scheduleToCloseMs } = this.options;
    const { applicationFailureInfo: info } = failure;
    if (this.cancelRequested) return this.fail(failure, retryStates.cancelRequested);
    if (info?.nonRetryable || (info?.type && retry.nonRetryable.includes(info.type))) {
      return this.fail(failure, retryStates.nonRetryable);
    }
    if (retry.maximumAttempts > 0 && this.attempts >= retry.maximumAttempts) {
      return this.fail(failure, retryStates.maximumAttempts);
    }
    const delayMs = Math.min(
      retry.initialMs * retry.coefficient ** (this.attempts - 1),
      retry.maximumMs,
    );
    const waited = this.around.clock.now - this.scheduledAt;
    if (scheduleToCloseMs !== undefined && waited + delayMs > scheduleToCloseMs) {
      return this.fail(failure, retryStates.timeout);
    }
    this.startSoon(delayMs);
  }

  private fail(cause: ProtoFailure, state: RetryState): void {
    this.settle({ failed: { failure: this.wrapped(cause, state) } });
  }

  private cancelled(): ActivityResult {
    const cause = cancelledFailure('activity cancelled');
    return { cancelled: { failure: this.wrapped(cause, retryStates.cancelRequested) } };
  }

  private wrapped(cause: ProtoFailure, state: RetryState): ProtoFailure {
    const { activity, activityId } = this.options;
    return activityFailure(activity, activityId, state, cause);
  }

  private settle(result: ActivityResult): void {
    if (this.done) return;
    this.finish();
    this.around.settled(result);
  }

  private finish(): void {
    this.done = true;
    for (const timer of this.timers) timer.cancel();
    this.timers = [];
  }

  private later(delayMs: number, fire: () => void): void {
    this.timers.push(
      this.around.clock.after(delayMs, () => {
        if (!this.done) fire();
      }),
    );
  }
}
