import type { EngineFacts } from '../../client/engine-facts.ts';
import { searchAttributes, watchScheduleId } from '../../domain/engine-names.ts';
import { fail, ok, warn, type Finding } from './check.ts';

export function judgeSearchAttributes(present: string[]): Finding {
  const missing = Object.values(searchAttributes).filter((name) => !present.includes(name));
  if (missing.length === 0) return ok('search attributes', 'all are there');
  return fail(
    'search attributes',
    `the engine lacks ${missing.join(', ')}: no operation can begin`,
    `add them: temporal operator search-attribute create --name … (${searchAttributes.attention} is a Bool, the others are Keywords)`,
  );
}

/** @param clusters names of those that are ready and are to be looked at. */
export function judgeSchedules(clusters: string[], schedules: string[]): Finding[] {
  const missing = clusters.filter((name) => !schedules.includes(watchScheduleId(name)));
  if (missing.length === 0) {
    return [ok('schedules', `all ${clusters.length} ready clusters are looked at`)];
  }
  return missing.map((name) =>
    warn('schedules', `cluster ${name} is ready but nobody looks at it`, `mvc repair ${name}`),
  );
}

/** @param queues names of the queues on which somebody must wait for work. */
export function judgeQueues(queues: string[], workers: EngineFacts['workers']): Finding[] {
  const silent = queues.filter((queue) => (workers[queue] ?? []).length === 0);
  if (silent.length === 0) {
    return [ok('queues', `workers ask for work on all ${queues.length} task queues`)];
  }
  return silent.map((queue) =>
    fail(
      'queues',
      `no worker asks for work on ${queue}`,
      '`mvc status` shows whether all workers run',
    ),
  );
}
