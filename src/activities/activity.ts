import { ApplicationFailure, Context } from '@temporalio/activity';
import { toFailure } from '../domain/failure.ts';
import type { Watch } from '../drivers/site/site-driver.ts';

const heartbeatEveryMs = 5_000;

/**
 * Runs the body of an activity: heartbeats with the latest progress (so that a killed worker is
 * noticed and a cancellation arrives), and turns our failures into the engine's.
 */
export async function activity<T>(body: (watch: Required<Watch>) => Promise<T>): Promise<T> {
  const context = Context.current();
  let latest: unknown;
  const beat = setInterval(() => context.heartbeat(latest), heartbeatEveryMs);
  try {
    const progress: Required<Watch>['progress'] = (done) => {
      latest = done;
      context.heartbeat(done);
    };
    return await body({ signal: context.cancellationSignal, progress });
  } catch (error) {
    // A cancelled activity must end as cancelled, whatever its driver made of the abort.
    if (context.cancellationSignal.aborted) await context.cancelled;
    throw toApplicationFailure(error);
  } finally {
    clearInterval(beat);
  }
}

/** The engine's failure for one of ours: its type is the kind, its first detail the description. */
export function toApplicationFailure(error: unknown): ApplicationFailure {
  const failure = toFailure(error);
  return ApplicationFailure.create({
    type: failure.kind,
    message: failure.message,
    nonRetryable: !failure.retryable,
    details: [failure.describe()],
    ...(error instanceof Error ? { cause: error } : {}),
  });
}
