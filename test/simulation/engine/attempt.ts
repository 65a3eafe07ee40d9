import { asyncLocalStorage, type Context } from '@temporalio/activity';

/**
 * One run of an activity's body, as far as the things that it calls must know it. A dead attempt is
 * one whose worker was killed: whatever it waits for never comes, so it does nothing any more.
 */
export interface Attempt {
  readonly workflow: string;
  readonly activity: string;
  readonly number: number;
  readonly queue: string;
  /** Questions to sites and to the store so far. */
  calls: number;
  dead: boolean;
  /** Its worker is killed as soon as it has changed something. */
  readonly diesAfterEffect: boolean;
  kill(): void;
  /** Cut off from the engine: its heartbeats do not arrive, but it goes on. */
  cutOff(): void;
}

const attempts = new WeakMap<Context, Attempt>();

export function runAttempt<T>(context: Context, attempt: Attempt, body: () => T): T {
  attempts.set(context, attempt);
  return asyncLocalStorage.run(context, body);
}

/** Undefined outside of activities. */
export function currentAttempt(): Attempt | undefined {
  const context = asyncLocalStorage.getStore();
  return context && attempts.get(context);
}

export const never = new Promise<never>(() => undefined);
