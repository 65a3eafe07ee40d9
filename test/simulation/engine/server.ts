import type { ProtoFailure } from '@temporalio/common';
import { Activity, type ActivityResult } from './activity.ts';
import type { Attempt } from './attempt.ts';
import type { Clock, Timer } from './clock.ts';
import { cancelledFailure, childFailure, notFoundFailure } from './failures.ts';
import { fromPayload, toPayload, type Payload } from './payloads.ts';
import type { EnginePlan } from './plan.ts';
import { hashText, type Random } from './random.ts';
import type { ActivationJob, Command, JobKind } from './sdk.ts';
import { WorkflowInstance } from './workflow.ts';

export type Activities = Record<string, (...args: never[]) => Promise<unknown>>;

export interface ServerOptions {
  clock: Clock;
  random: Random;
  plan: EnginePlan;
  workflows: Record<string, unknown>;
  /** What the worker of a queue offers. */
  activities: (queue: string) => Activities;
  log: (line: string) => void;
  /** Called for what must never happen: a workflow task that fails, a replay that differs. */
  problem: (sentence: string) => void;
}

/** How a workflow ended. */
export type Outcome =
  | { kind: 'completed'; result: unknown }
  | { kind: 'failed'; type: string; message: string; failure: ProtoFailure }
  | { kind: 'cancelled' };

interface Run {
  id: string;
  runId: string;
  type: string;
  instance: WorkflowInstance;
  jobs: ActivationJob[];
  taskIsDue: boolean;
  /** Its worker was killed. */
  isForgotten: boolean;
  timers: Map<number, Timer>;
  activities: Map<number, Activity>;
  children: Map<number, Run>;
  parent?: { run: Run; seq: number; closePolicy: number };
  cancelRequested: boolean;
  outcome?: Outcome;
  ended: Promise<Outcome>;
  end: (outcome: Outcome) => void;
  updates: Map<string, { resolve: (value: unknown) => void; reject: (error: Error) => void }>;
}

const parentClose = { terminate: 1, abandon: 2, requestCancel: 3 };
const cancellation = { tryCancel: 0, waitCompleted: 1, abandon: 2 };

/** The workflow engine's server with its workers, in virtual time. */
export class Server {
  /** Attempts that run now, by queue: what dies with a worker. */
  readonly alive = new Map<string, Set<Attempt>>();
  private readonly options: ServerOptions;
  private readonly runs = new Map<string, Run>();
  private readonly occurrences = new Map<string, number>();
  /** Queue → when it is served again, if nobody serves it now. */
  private readonly backAt = new Map<string, number>();
  private runCount = 0;

  constructor(options: ServerOptions) {
    this.options = options;
  }

  /** Undefined if a run of this id lives already. */
  start(type: string, id: string, input: unknown): { ended: Promise<Outcome> } | undefined {
    const run = this.create(type, id, [toPayload(input)]);
    return run && { ended: run.ended };
  }

  /** The run of this id that lives. */
  isOpen(id: string): boolean {
    return this.open(id) !== undefined;
  }

  /** Type of the run of this id that lives. */
  typeOf(id: string): string | undefined {
    return this.open(id)?.type;
  }

  get openIds(): string[] {
    return [...this.runs.values()].filter((run) => !run.outcome).map((run) => run.id);
  }

  /** Of the last run of this id. */
  outcome(id: string): Outcome | undefined {
    return this.runs.get(id)?.outcome;
  }

  cancel(id: string): void {
    const run = this.open(id);
    if (run) this.requestCancel(run);
  }

  ended(id: string): Promise<Outcome> | undefined {
    return this.runs.get(id)?.ended;
  }

  /** @throws what the workflow answers if it refuses. */
  async update(id: string, name: string, input: unknown): Promise<unknown> {
    const run = this.open(id);
    if (!run) throw new Error(`no run of ${id} lives`);
    const updateId = `update-${(this.runCount += 1)}`;
    return new Promise((resolve, reject) => {
      run.updates.set(updateId, { resolve, reject });
      this.deliver(
        run,
        job('doUpdate', {
          id: updateId,
          protocolInstanceId: updateId,
          name,
          input: [toPayload(input)],
          runValidator: true,
        }),
      );
    });
  }

  /** Undefined if the workflow cannot answer yet. */
  query(id: string, name: string): Promise<unknown> {
    const run = this.runs.get(id);
    return new Promise((resolve) => {
      this.options.clock.after(1, async () => {
        if (!run || run.taskIsDue) return resolve(undefined);
        const commands = await run.instance.query(
          job('queryWorkflow', { queryId: 'q', queryType: name, arguments: [] }),
        );
        const answer = commands.find((command) => command.respondToQuery)?.respondToQuery;
        resolve(fromPayload(answer?.succeeded?.response));
      });
    });
  }

  /**
   * Everything that the workers of the queue do ends without an answer, and for a while nobody does
   * more. The control worker's workflows are read again from their histories.
   */
  killWorker(queue: string, awayMs: number): void {
    const { clock, log } = this.options;
    log(`! worker of ${queue} is killed, and away for ${awayMs / 1000} s`);
    for (const attempt of this.alive.get(queue) ?? []) attempt.kill();
    this.backAt.set(queue, Math.max(this.backAt.get(queue) ?? 0, clock.now + awayMs));
    if (queue !== 'control') return;
    for (const run of this.runs.values()) run.isForgotten = true;
  }

  reviveWorkers(): void {
    this.backAt.clear();
  }

  private absentMs(queue: string): number {
    return Math.max(0, (this.backAt.get(queue) ?? 0) - this.options.clock.now);
  }

  private create(
    type: string,
    id: string,
    args: Payload[],
    parent?: Run['parent'],
  ): Run | undefined {
    if (this.open(id)) return undefined;
    this.runCount += 1;
    const runId = `run-${this.runCount}`;
    const { clock, random, workflows } = this.options;
    const definition = workflows[type];
    if (definition === undefined) throw new Error(`there is no workflow ${type}`);
    let end: Run['end'] = () => undefined;
    const ended = new Promise<Outcome>((resolve) => {
      end = resolve;
    });
    const instance = new WorkflowInstance(
      {
        workflowId: id,
        runId,
        type,
        taskQueue: 'control',
        now: clock.now,
        ...(parent ? { parent: { workflowId: parent.run.id, runId: parent.run.runId } } : {}),
        seed: [random.int(0, 255), random.int(0, 255), random.int(0, 255)],
        activities: new Set(),
      },
      definition,
    );
    const run: Run = {
      id,
      runId,
      type,
      instance,
      jobs: [],
      taskIsDue: false,
      isForgotten: false,
      timers: new Map(),
      activities: new Map(),
      children: new Map(),
      ...(parent ? { parent } : {}),
      cancelRequested: false,
      ended,
      end,
      updates: new Map(),
    };
    this.runs.set(id, run);
    this.options.log(`+ ${type} ${id} ${runId}`);
    this.deliver(
      run,
      job('initializeWorkflow', { workflowId: id, workflowType: type, arguments: args }),
    );
    return run;
  }

  private open(id: string): Run | undefined {
    const run = this.runs.get(id);
    return run?.outcome ? undefined : run;
  }

  private requestCancel(run: Run): void {
    if (run.cancelRequested) return;
    run.cancelRequested = true;
    this.options.log(`! cancel ${run.id}`);
    this.deliver(run, job('cancelWorkflow', { reason: 'asked for' }));
  }

  private deliver(run: Run, news: ActivationJob): void {
    if (run.outcome) return;
    run.jobs.push(news);
    if (run.taskIsDue) return;
    run.taskIsDue = true;
    const { clock, random } = this.options;
    clock.after(random.int(1, 30) + this.absentMs('control'), () => this.task(run));
  }

  private async task(run: Run): Promise<void> {
    if (run.outcome) return;
    run.taskIsDue = false;
    const jobs = inOrder(run.jobs);
    run.jobs = [];
    const { clock, plan, log, problem } = this.options;
    try {
      if (run.isForgotten || plan.forget()) {
        run.isForgotten = false;
        log(`! ${run.id} is replayed`);
        await run.instance.replay();
      }
      const commands = await run.instance.activate(clock.now, jobs);
      for (const command of commands) this.obey(run, command);
    } catch (error) {
      const { stack } = error as Error;
      problem(`a task of ${run.type} ${run.id} failed: ${stack ?? String(error)}`);
    }
  }

  private obey(run: Run, command: Command): void {
    if (command.startTimer) {
      const { seq, startToFireTimeout } = command.startTimer;
      const timer = this.options.clock.after(millis(startToFireTimeout) ?? 0, () => {
        if (run.timers.delete(seq!)) this.deliver(run, job('fireTimer', { seq: seq! }));
      });
      run.timers.set(seq!, timer);
    } else if (command.cancelTimer) {
      run.timers.get(command.cancelTimer.seq!)?.cancel();
      run.timers.delete(command.cancelTimer.seq!);
    } else if (command.scheduleActivity) {
      this.schedule(run, command.scheduleActivity);
    } else if (command.requestCancelActivity) {
      this.cancelActivity(run, command.requestCancelActivity.seq!);
    } else if (command.startChildWorkflowExecution) {
      this.startChild(run, command.startChildWorkflowExecution);
    } else if (command.cancelChildWorkflowExecution) {
      const child = run.children.get(command.cancelChildWorkflowExecution.childWorkflowSeq!);
      if (child) this.later(() => this.requestCancel(child));
    } else if (command.signalExternalWorkflowExecution) {
      this.signal(run, command.signalExternalWorkflowExecution);
    } else if (command.requestCancelExternalWorkflowExecution) {
      this.cancelExternal(run, command.requestCancelExternalWorkflowExecution);
    } else if (command.updateResponse) {
      this.answerUpdate(run, command.updateResponse);
    } else if (command.completeWorkflowExecution) {
      const { result } = command.completeWorkflowExecution;
      this.close(run, { kind: 'completed', result: fromPayload(result) });
    } else if (command.failWorkflowExecution) {
      const failure = command.failWorkflowExecution.failure!;
      const type = failure.applicationFailureInfo?.type ?? 'none';
      this.close(run, { kind: 'failed', type, message: failure.message ?? '', failure });
    } else if (command.cancelWorkflowExecution) {
      this.close(run, { kind: 'cancelled' });
    } else if (!isSilent(command)) {
      throw new Error(`the simulated engine does not know ${JSON.stringify(command)}`);
    }
  }

  private schedule(run: Run, command: NonNullable<Command['scheduleActivity']>): void {
    const seq = command.seq!;
    const activity = command.activityType!;
    const queue = command.taskQueue!;
    const { retryPolicy: retry } = command;
    const offered = this.options.activities(queue);
    const body = offered[activity] as ((...args: unknown[]) => Promise<unknown>) | undefined;
    if (!body) throw new Error(`no worker of ${queue} offers ${activity}`);
    const key = `${run.type} ${activity}`;
    const occurrence = this.occurrences.get(key) ?? 0;
    this.occurrences.set(key, occurrence + 1);
    const alive = this.alive.get(queue) ?? new Set();
    this.alive.set(queue, alive);
    const settled = (result: ActivityResult) => {
      if (run.activities.get(seq) !== started) return;
      run.activities.delete(seq);
      this.deliver(run, job('resolveActivity', { seq, result }));
    };
    const { clock, random, plan, log } = this.options;
    const started = new Activity(
      {
        workflowId: run.id,
        workflowType: run.type,
        runId: run.runId,
        activity,
        activityId: `${seq}`,
        queue,
        args: command.arguments ?? [],
        occurrence,
        scheduleToStartMs: millis(command.scheduleToStartTimeout),
        startToCloseMs: millis(command.startToCloseTimeout),
        scheduleToCloseMs: millis(command.scheduleToCloseTimeout),
        heartbeatMs: millis(command.heartbeatTimeout),
        retry: {
          initialMs: millis(retry?.initialInterval) ?? 1000,
          coefficient: retry?.backoffCoefficient ?? 2,
          maximumMs: millis(retry?.maximumInterval) ?? 100_000,
          maximumAttempts: retry?.maximumAttempts ?? 0,
          nonRetryable: retry?.nonRetryableErrorTypes ?? [],
        },
      },
      { clock, random, plan, body, log, settled, alive, absentMs: () => this.absentMs(queue) },
    );
    cancelTypes.set(started, command.cancellationType ?? cancellation.tryCancel);
    run.activities.set(seq, started);
  }

  private cancelActivity(run: Run, seq: number): void {
    const activity = run.activities.get(seq);
    if (!activity) return;
    const wait = cancelTypes.get(activity) === cancellation.waitCompleted;
    // Not before the command has reached the server.
    this.later(() => activity.requestCancel(wait));
  }

  private startChild(run: Run, command: NonNullable<Command['startChildWorkflowExecution']>): void {
    const seq = command.seq!;
    const workflowId = command.workflowId!;
    const type = command.workflowType!;
    const closePolicy = command.parentClosePolicy ?? parentClose.terminate;
    this.later(() => {
      if (run.outcome) return;
      const child = this.create(type, workflowId, command.input ?? [], { run, seq, closePolicy });
      if (!child) {
        const failed = { workflowId, workflowType: type, cause: 1 };
        this.deliver(run, job('resolveChildWorkflowExecutionStart', { seq, failed }));
        return;
      }
      run.children.set(seq, child);
      const succeeded = { runId: child.runId };
      this.deliver(run, job('resolveChildWorkflowExecutionStart', { seq, succeeded }));
    });
  }

  private signal(run: Run, command: NonNullable<Command['signalExternalWorkflowExecution']>): void {
    const seq = command.seq!;
    const id = command.childWorkflowId ?? command.workflowExecution?.workflowId ?? '';
    const runId = command.workflowExecution?.runId;
    this.later(() => {
      const target = this.open(id);
      if (target && (!runId || target.runId === runId)) {
        const { signalName, args } = command;
        this.deliver(target, job('signalWorkflow', { signalName: signalName!, input: args ?? [] }));
        this.deliver(run, job('resolveSignalExternalWorkflow', { seq }));
      } else {
        const failure = notFoundFailure(id);
        this.deliver(run, job('resolveSignalExternalWorkflow', { seq, failure }));
      }
    });
  }

  private cancelExternal(
    run: Run,
    command: NonNullable<Command['requestCancelExternalWorkflowExecution']>,
  ): void {
    const seq = command.seq!;
    const id = command.workflowExecution?.workflowId ?? '';
    this.later(() => {
      const target = this.open(id);
      if (target) this.requestCancel(target);
      const failure = target ? {} : { failure: notFoundFailure(id) };
      this.deliver(run, job('resolveRequestCancelExternalWorkflow', { seq, ...failure }));
    });
  }

  private answerUpdate(run: Run, response: NonNullable<Command['updateResponse']>): void {
    const waiting = run.updates.get(response.protocolInstanceId!);
    if (!waiting) return;
    if (response.accepted) return;
    run.updates.delete(response.protocolInstanceId!);
    if (response.rejected) {
      const { message, cause } = response.rejected;
      waiting.reject(new Error(cause?.message ?? message ?? 'the update was rejected'));
    } else {
      waiting.resolve(fromPayload(response.completed));
    }
  }

  private close(run: Run, outcome: Outcome): void {
    if (run.outcome) return;
    run.outcome = outcome;
    const why = outcome.kind === 'failed' ? `: ${outcome.message}` : '';
    this.options.log(`- ${run.type} ${run.id} ${outcome.kind}${why}`);
    for (const timer of run.timers.values()) timer.cancel();
    for (const activity of run.activities.values()) activity.abandon();
    for (const { reject } of run.updates.values()) reject(new Error('the workflow has ended'));
    for (const child of run.children.values()) {
      if (child.outcome || !child.parent) continue;
      if (child.parent.closePolicy === parentClose.requestCancel) {
        this.later(() => this.requestCancel(child));
      } else if (child.parent.closePolicy === parentClose.terminate) {
        this.close(child, { kind: 'cancelled' });
      }
    }
    run.end(outcome);
    if (run.parent) this.tellParent(run, run.parent, outcome);
  }

  private tellParent(run: Run, parent: NonNullable<Run['parent']>, outcome: Outcome): void {
    const { seq } = parent;
    const child = { workflowId: run.id, runId: run.runId, type: run.type };
    const result =
      outcome.kind === 'completed'
        ? { completed: { result: toPayload(outcome.result) } }
        : outcome.kind === 'failed'
          ? { failed: { failure: childFailure(child, outcome.failure) } }
          : { cancelled: { failure: childFailure(child, cancelledFailure('child cancelled')) } };
    this.later(() =>
      this.deliver(parent.run, job('resolveChildWorkflowExecution', { seq, result })),
    );
  }

  private later(fire: () => void): void {
    const { clock, random } = this.options;
    clock.after(random.int(1, 30), fire);
  }
}

const cancelTypes = new WeakMap<Activity, number>();

/** Commands that change nothing but what people see. */
function isSilent(command: Command): boolean {
  return Boolean(
    command.upsertWorkflowSearchAttributes ??
    command.modifyWorkflowProperties ??
    command.setPatchMarker ??
    command.cancelSignalWorkflow ??
    command.respondToQuery,
  );
}

/** As the engine's core orders the news of one task. */
function inOrder(jobs: ActivationJob[]): ActivationJob[] {
  const rank = ({ variant }: ActivationJob) => {
    if (variant === 'initializeWorkflow') return 0;
    return variant === 'signalWorkflow' || variant === 'doUpdate' ? 1 : 2;
  };
  return jobs.toSorted((a, b) => rank(a) - rank(b));
}

function job<K extends JobKind>(variant: K, content: object): ActivationJob {
  return { variant, [variant]: content } as unknown as ActivationJob;
}

function millis(duration: { seconds?: unknown; nanos?: number | null } | null | undefined) {
  if (!duration) return undefined;
  return Number(duration.seconds ?? 0) * 1000 + (duration.nanos ?? 0) / 1e6;
}

export function digestOf(lines: string[]): string {
  let hash = 0;
  for (const line of lines) hash = hashText(line, hash);
  return hash.toString(16).padStart(8, '0');
}
