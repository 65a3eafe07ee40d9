import {
  ApplicationFailure,
  condition,
  isCancellation,
  TemporalFailure,
} from '@temporalio/workflow';
import { withTried, type StepAttempts } from '../domain/attempts.ts';
import type { Parked, StepName, StepRecord } from '../domain/cluster.ts';
import { failureKinds, type FailureDescription } from '../domain/failure.ts';
import { describeFailure, macClashType, messageOf } from './failures.ts';
import type { Answer } from './messages.ts';
import { inStep, type TriedListener } from './step-context.ts';
import { noteStep } from './step-notes.ts';

export type StepListener = (record: StepRecord) => void;

export interface StepOptions<T> {
  /** Makes up for the step if a person leaves it out; without it the step cannot be left out. */
  skip?: () => Promise<T>;
  /** Whether such a failure may wait for a person; otherwise it ends the operation. All may by default. */
  parks?: (failure: FailureDescription) => boolean;
  /** What its record says of its result, for the history. */
  note?: (result: T) => Pick<StepRecord, 'sent'>;
  /** What an error really is, where that takes a look; undefined if it is what it says. */
  explain?: (error: unknown) => Promise<unknown> | undefined;
}

/** Pauses before a passing cause is tried again by itself: they double from the first to the last. */
const firstPauseMs = 15_000;
const longestPauseMs = 10 * 60_000;

/**
 * The steps of one workflow. A step that has used up its retries does not end the operation: it
 * parks, tells why, and waits for a person; a cause that may pass is tried again by itself, too.
 */
export class Steps {
  private readonly cluster: string;
  private readonly tell: StepListener;
  private readonly running = new Set<string>();
  private readonly waiting = new Set<string>();
  private readonly answers = new Map<string, Answer['action']>();

  constructor(cluster: string, tell: StepListener) {
    this.cluster = cluster;
    this.tell = (record) => {
      noteStep(cluster, record);
      tell(record);
    };
  }

  /**
   * Runs one step until it is done or left out, and tells the listener when it begins, ends, parks.
   *
   * @param body must be safe to repeat. It is told which round this is, from 1.
   */
  async run<T>(
    step: StepName,
    site: string | undefined,
    body: (round: number) => Promise<T>,
    options: StepOptions<T> = {},
  ): Promise<T> {
    const key = keyOf(step, site);
    this.running.add(key);
    try {
      return await this.rounds(step, site, body, options);
    } finally {
      this.running.delete(key);
    }
  }

  /** Whether it has begun and not ended, be it parked. */
  isRunning(step: StepName, site: string | undefined): boolean {
    return this.running.has(keyOf(step, site));
  }

  private async rounds<T>(
    step: StepName,
    site: string | undefined,
    body: (round: number) => Promise<T>,
    options: StepOptions<T>,
  ): Promise<T> {
    const where = { step, ...(site === undefined ? {} : { site }) };
    const begun = { ...where, startedAt: Date.now() };
    let tries: StepAttempts = { attempts: 0, failed: [] };
    for (let round = 1; ; round += 1) {
      tries = { ...tries, attempts: tries.attempts + 1 };
      const record = () => ({
        ...begun,
        ...(round === 1 ? {} : { rounds: round }),
        ...told(tries),
      });
      const hear: TriedListener = (activity, tried) => {
        tries = withTried(tries, { round, activity }, tried);
      };
      this.tell(record());
      try {
        const result = await inStep({ ...where, round }, hear, () => body(round));
        this.tell({ ...record(), finishedAt: Date.now(), ...options.note?.(result) });
        return result;
      } catch (thrown) {
        const looking = options.explain?.(thrown);
        const error = looking ? await looking : thrown;
        const failure = describeFailure(error);
        if (!mayPark(error, failure, options)) {
          this.tell({ ...record(), finishedAt: Date.now(), error: messageOf(error) });
          throw error;
        }
        const parked = this.describe(failure, site, round, options);
        const action = await this.park(record(), parked);
        if (action === 'skip' && options.skip) {
          const result = await options.skip();
          this.tell({ ...record(), finishedAt: Date.now(), skipped: true, error: parked.cause });
          return result;
        }
      }
    }
  }

  /** @returns false if no such step waits here. */
  answer(step: StepName, site: string | undefined, action: Answer['action']): boolean {
    const key = keyOf(step, site);
    if (!this.waiting.has(key)) return false;
    this.answers.set(key, action);
    return true;
  }

  private async park(record: StepRecord, parked: Parked): Promise<Answer['action']> {
    const key = keyOf(record.step, record.site);
    this.waiting.add(key);
    this.tell({ ...record, parked });
    const answered = () => this.answers.has(key);
    try {
      if (parked.nextTryAt === undefined) await condition(answered);
      else await condition(answered, parked.nextTryAt - parked.since);
      return this.answers.get(key) ?? 'retry';
    } catch (error) {
      this.tell({ ...record, finishedAt: Date.now(), error: parked.cause });
      throw error;
    } finally {
      this.waiting.delete(key);
      this.answers.delete(key);
    }
  }

  private describe(
    failure: FailureDescription,
    site: string | undefined,
    round: number,
    { skip }: { skip?: unknown },
  ): Parked {
    const since = Date.now();
    const pause = Math.min(firstPauseMs * 2 ** (round - 1), longestPauseMs);
    const { kind, message: cause, host } = failure;
    return {
      kind,
      ...(host === undefined ? {} : { host }),
      cause,
      help: nextAction(this.cluster, site, failure),
      since,
      ...(failureKinds[kind].retry ? { nextTryAt: since + pause } : {}),
      skippable: skip !== undefined,
    };
  }
}

/** What a record says of attempts: nothing where all went well at once. */
function told({ attempts, failed }: StepAttempts): Pick<StepRecord, 'attempts' | 'failed'> {
  return failed.length === 0 ? {} : { attempts, failed };
}

/** A cancellation and a later operation must end this one; an error that is none of ours is a bug, and must show. */
function mayPark<T>(error: unknown, failure: FailureDescription, options: StepOptions<T>): boolean {
  if (isCancellation(error) || !(error instanceof TemporalFailure)) return false;
  if (failure.kind === 'StaleEpoch') return false;
  // The operation gives other MACs by itself.
  if (error instanceof ApplicationFailure && error.type === macClashType) return false;
  return options.parks?.(failure) ?? true;
}

function nextAction(
  cluster: string,
  site: string | undefined,
  { kind, help }: FailureDescription,
): string {
  const resume = `\`mvc resume ${cluster}\``;
  if (failureKinds[kind].retry) {
    const first = help === undefined ? '' : `${help}; `;
    return `${first}it is tried again by itself, ${resume} tries at once`;
  }
  const whatElse = site === undefined ? 'mend the cause' : `ask the administrator of site ${site}`;
  return `${help ?? whatElse}; then ${resume}`;
}

function keyOf(step: StepName, site: string | undefined): string {
  return `${step} ${site ?? ''}`;
}
