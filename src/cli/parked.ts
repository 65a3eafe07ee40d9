import { describeParked, type ParkedStep, type StepRecord } from '../domain/cluster.ts';
import { formatDuration } from './output.ts';

/** How long nothing but parked steps must be seen: between two steps there is a moment without any. */
const settledMs = 3_000;

export function parkedSteps(steps: StepRecord[]): ParkedStep[] {
  return steps.flatMap(({ step, site, parked }) =>
    parked ? [{ ...parked, step, ...(site === undefined ? {} : { site }) }] : [],
  );
}

export function isRunning(record: StepRecord): boolean {
  return record.finishedAt === undefined && record.parked === undefined;
}

/** Tells when all that is left of an operation waits for a person, or for a later time. */
export class ParkedWatch {
  private since: number | undefined;

  /** @param now milliseconds since 1970. */
  isSettled(steps: StepRecord[], now: number): boolean {
    if (parkedSteps(steps).length === 0 || steps.some(isRunning)) {
      this.since = undefined;
      return false;
    }
    this.since ??= now;
    return now - this.since >= settledMs;
  }
}

/** A parked step as a sentence (where, why, what next), with when it is tried again. */
export function parkedSentence(parked: ParkedStep, now: number): string {
  const sentence = describeParked(parked);
  if (parked.nextTryAt === undefined) return sentence;
  return `${sentence} (next try ${inTime(parked.nextTryAt - now)})`;
}

/** A parked step for `status`: the sentence, and since when. */
export function parkedLines(parked: ParkedStep, now: number): string[] {
  const skip = parked.skippable ? '; may be left out: add --skip' : '';
  return [
    `  ‖ ${describeParked(parked)}`,
    `    since ${formatDuration(now - parked.since)}${nextTry(parked, now)}${skip}`,
  ];
}

function nextTry({ nextTryAt }: ParkedStep, now: number): string {
  return nextTryAt === undefined ? '' : `, next try ${inTime(nextTryAt - now)}`;
}

function inTime(ms: number): string {
  return ms <= 0 ? 'now' : `in ${formatDuration(ms)}`;
}

/** What to do about an operation of which nothing goes on. */
export function nextCommand(operation: string, cluster: string): string {
  return operation === 'destroy'
    ? `it goes on by itself when the site is back; \`mvc resume ${cluster} --skip\` leaves it out`
    : `next: mvc resume ${cluster}`;
}
