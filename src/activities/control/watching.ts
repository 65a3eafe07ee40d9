import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';

/**
 * Activities that keep a schedule per cluster, by which the engine starts `watchCluster`: a workflow
 * cannot make schedules itself. Both are safe to repeat.
 */
export function createWatchActivities({ schedules }: Pick<ControlDependencies, 'schedules'>) {
  return {
    /** Lets the cluster be looked at every so many minutes (a whole number, at least 1). */
    async ensureWatch(input: { cluster: string; everyMinutes: number }): Promise<void> {
      return activity(() => schedules.ensure(input.cluster, input.everyMinutes));
    },

    /** No further look at the cluster begins; one that is under way ends by itself. */
    async removeWatch(input: { cluster: string }): Promise<void> {
      return activity(() => schedules.remove(input.cluster));
    },
  };
}
