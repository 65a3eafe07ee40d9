import { createHash } from 'node:crypto';
import {
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleClient,
  type ScheduleOptions,
} from '@temporalio/client';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { WatchSchedules } from '../activities/control/dependencies.ts';
import { controlQueue, searchAttributes, watchScheduleId } from '../domain/engine-names.ts';

const minuteMs = 60_000;
const clusterKey = defineSearchAttributeKey(searchAttributes.cluster, 'KEYWORD');

/** The schedules of an engine: `watch:<cluster>` starts the workflow `watchCluster`. */
export function createWatchSchedules(engine: ScheduleClient): WatchSchedules {
  return {
    async ensure(cluster, everyMinutes) {
      const definition = watchSchedule(cluster, everyMinutes);
      try {
        await engine.create(definition);
      } catch (error) {
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
        // A person may have paused it, which is theirs to end.
        await engine
          .getHandle(definition.scheduleId)
          .update(({ state }) => ({ ...definition, state }));
      }
    },
    async remove(cluster) {
      try {
        await engine.getHandle(watchScheduleId(cluster)).delete();
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
      }
    },
  };
}

function watchSchedule(cluster: string, everyMinutes: number) {
  const every = everyMinutes * minuteMs;
  const id = watchScheduleId(cluster);
  return {
    scheduleId: id,
    spec: { intervals: [{ every, offset: startWithin(every, cluster) }] },
    action: {
      type: 'startWorkflow',
      workflowType: 'watchCluster',
      workflowId: id,
      taskQueue: controlQueue,
      args: [{ name: cluster }],
      typedSearchAttributes: [{ key: clusterKey, value: cluster }],
      staticSummary: `looks at cluster ${cluster}`,
    },
    policies: {
      overlap: ScheduleOverlapPolicy.SKIP,
      // A look that was missed is not made up for: the next one sees as much.
      catchupWindow: minuteMs,
    },
  } satisfies ScheduleOptions;
}

/** Spreads the looks at many clusters over the interval; whole seconds, in milliseconds. */
function startWithin(everyMs: number, cluster: string): number {
  const drawn = createHash('sha256').update(cluster).digest().readUInt32BE(0);
  return (drawn % (everyMs / 1000)) * 1000;
}
