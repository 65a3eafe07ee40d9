import { z } from 'zod';
import { failureKinds, type FailureDescription, type FailureKind } from './failure.ts';

/** The name of the header in which a workflow says that it reads attempts from results. */
export const attemptsHeader = 'mvc-attempts';

/** What is kept of one call, and of one step, the newest: a record of hundreds of steps must fit into one message. */
const keptPerCall = 5;
const keptPerStep = 12;
const longestError = 300;

const failedAttemptsSchema = z.object({
  /** Numbers of the first and the last. */
  from: z.int().min(1),
  to: z.int().min(1),
  kind: z.enum(Object.keys(failureKinds) as [FailureKind, ...FailureKind[]]).catch('CommandFailed'),
  error: z.string(),
  host: z.string().exactOptional(),
  /** All of them together; absent if their worker did not live to tell. */
  tookMs: z.number().exactOptional(),
});
/** Attempts of one call that failed one after the other for the same reason. */
export type FailedAttempts = z.infer<typeof failedAttemptsSchema>;

/** The same in the record of a step: in which of its rounds, and of which activity. */
export type FailedInStep = FailedAttempts & { round: number; activity: string };

const triedSchema = z.object({
  /** How often it was tried, with the last. */
  attempts: z.int().min(1),
  failed: z.array(failedAttemptsSchema),
});
/** How a call went that did not succeed at once. */
export type Tried = z.infer<typeof triedSchema>;

const heartbeatSchema = z.object({ failed: z.array(failedAttemptsSchema) });

/**
 * What failed before this attempt, as the heartbeat of an earlier one left it; of an attempt that left
 * nothing, only that it did not end.
 */
export function failedBefore(heartbeat: unknown, attempt: number): FailedAttempts[] {
  const read = heartbeatSchema.safeParse(heartbeat);
  const told = read.success ? read.data.failed : [];
  const from = (told.at(-1)?.to ?? 0) + 1;
  return from >= attempt ? told : withFailed(told, { ...unheard, from, to: attempt - 1 });
}

const unheard = { kind: 'Timeout', error: 'its worker did not end it' } as const;

/** One more that failed; of one reason there is one entry. */
export function withFailed(before: FailedAttempts[], next: FailedAttempts): FailedAttempts[] {
  const last = before.at(-1);
  const cut = { ...next, error: next.error.slice(0, longestError) };
  if (last?.kind !== cut.kind || last.error !== cut.error || last.host !== cut.host) {
    return [...before, cut].slice(-keptPerCall);
  }
  const tookMs = (last.tookMs ?? 0) + (cut.tookMs ?? 0);
  return [...before.slice(0, -1), { ...last, to: cut.to, ...(tookMs > 0 ? { tookMs } : {}) }];
}

/** An attempt that failed as it is kept. */
export function failedAttempt(
  attempt: number,
  { kind, message, host }: FailureDescription,
  tookMs?: number,
): FailedAttempts {
  return {
    from: attempt,
    to: attempt,
    kind,
    error: message,
    ...(host === undefined ? {} : { host }),
    ...(tookMs === undefined ? {} : { tookMs }),
  };
}

const envelopeSchema = z.strictObject({
  [attemptsHeader]: triedSchema,
  result: z.unknown().optional(),
});

/** A result with how often it was tried for: only for a workflow that has said that it opens it. */
export function wrapResult(result: unknown, tried: Tried): unknown {
  return { [attemptsHeader]: tried, result };
}

/** A result, taken out of what `wrapResult` may have made. */
export function unwrapResult(value: unknown): { result: unknown; tried?: Tried } {
  const read = envelopeSchema.safeParse(value);
  return read.success
    ? { result: read.data.result, tried: read.data[attemptsHeader] }
    : { result: value };
}

/** What a failure carries of its attempts; undefined if it is of a worker that told nothing. */
export function readTried(value: unknown): Tried | undefined {
  const read = triedSchema.safeParse(value);
  return read.success ? read.data : undefined;
}

/** What a step's record keeps of calls that did not succeed at once. */
export interface StepAttempts {
  /** Of the step: one per round, and one more for each time that something in it was tried again. */
  attempts: number;
  failed: FailedInStep[];
}

/** The same with one more call. */
export function withTried(
  { attempts, failed }: StepAttempts,
  call: { round: number; activity: string },
  tried: Tried,
): StepAttempts {
  return {
    attempts: attempts + tried.attempts - 1,
    failed: [...failed, ...tried.failed.map((each) => ({ ...call, ...each }))].slice(-keptPerStep),
  };
}
