import { ApplicationFailure, Context } from '@temporalio/activity';
import { failedAttempt, failedBefore, withFailed, type Tried } from '../domain/attempts.ts';
import { toFailure } from '../domain/failure.ts';
import type { Watch } from '../drivers/site/site-driver.ts';

const heartbeatEveryMs = 5_000;

/**
 * Runs the body of an activity: heartbeats with the latest progress (so that a killed worker is
 * noticed and a cancellation arrives), and turns our failures into the engine's. Why earlier attempts
 * failed travels from one to the next in the heartbeats, since the engine keeps only the last reason.
 */
export async function activity<T>(body: (watch: Required<Watch>) => Promise<T>): Promise<T> {
  const context = Context.current();
  const { attempt, heartbeatDetails } = context.info;
  const began = performance.now();
  let failed = failedBefore(heartbeatDetails, attempt);
  let latest: object | undefined;
  const tell = () => context.heartbeat(failed.length === 0 ? latest : { ...latest, failed });
  const beat = setInterval(tell, heartbeatEveryMs);
  try {
    const progress: Required<Watch>['progress'] = (done) => {
      latest = done;
      tell();
    };
    return await body({ signal: context.cancellationSignal, progress });
  } catch (error) {
    // A cancelled activity must end as cancelled, whatever its driver made of the abort.
    if (context.cancellationSignal.aborted) await context.cancelled;
    const tookMs = Math.round(performance.now() - began);
    failed = withFailed(failed, failedAttempt(attempt, toFailure(error).describe(), tookMs));
    tell();
    throw toApplicationFailure(error, attempt > 1 ? { attempts: attempt, failed } : undefined);
  } finally {
    clearInterval(beat);
  }
}

/**
 * The engine's failure for one of ours: its type is the kind, its first detail the description, its
 * second how the attempts went, if there were several.
 */
export function toApplicationFailure(error: unknown, tried?: Tried): ApplicationFailure {
  const failure = toFailure(error);
  return ApplicationFailure.create({
    type: failure.kind,
    message: failure.message,
    nonRetryable: !failure.retryable,
    details: [failure.describe(), ...(tried === undefined ? [] : [tried])],
    ...(error instanceof Error ? { cause: error } : {}),
  });
}
