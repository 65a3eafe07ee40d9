import { isCancellation, log } from '@temporalio/workflow';
import { controlSoon } from './activities.ts';
import { messageOf } from './failures.ts';

/** Has the cluster looked at from now on. Without it the cluster works too, so a failure is only told. */
export async function keepWatch(cluster: string, everyMinutes: number): Promise<void> {
  await orTell(() => controlSoon.ensureWatch({ cluster, everyMinutes }));
}

/** Ends the looking. A schedule that stays finds nothing to look at, and removes itself. */
export async function endWatch(cluster: string): Promise<void> {
  await orTell(() => controlSoon.removeWatch({ cluster }));
}

async function orTell(change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('the schedule that looks at the cluster could not be changed', {
      error: messageOf(error),
    });
  }
}
