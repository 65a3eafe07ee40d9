import { Counter, type Registry } from 'prom-client';

/** Counts activities. Labels are of few values: activity types, steps and sites; never a cluster. */
export interface ActivityMetrics {
  begun(activity: CountedActivity): void;
  ended(activity: CountedActivity, outcome: 'done' | 'failed' | 'cancelled'): void;
}

interface CountedActivity {
  activity: string;
  site?: string;
  step?: string;
  attempt: number;
}

export function createActivityMetrics(registry: Registry): ActivityMetrics {
  const ended = new Counter({
    name: 'mvc_activities_total',
    help: 'Attempts of activities that ended, by how.',
    labelNames: ['activity', 'site', 'step', 'outcome'],
    registers: [registry],
  });
  const retries = new Counter({
    name: 'mvc_activity_retries_total',
    help: 'Attempts of activities after their first.',
    labelNames: ['activity', 'site', 'step'],
    registers: [registry],
  });
  return {
    begun(activity) {
      if (activity.attempt > 1) retries.inc(labelsOf(activity));
    },
    ended: (activity, outcome) => ended.inc({ ...labelsOf(activity), outcome }),
  };
}

function labelsOf({ activity, site = '', step = '' }: CountedActivity) {
  return { activity, site, step };
}
