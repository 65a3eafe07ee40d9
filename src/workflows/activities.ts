import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { ControlActivities } from '../activities/control/control.ts';
import type { SiteActivities } from '../activities/site/site-activities.ts';
import { controlQueue, siteQueue } from '../domain/engine-names.ts';
import { permanentFailureKinds } from '../domain/failure.ts';

/**
 * Waits between attempts are short at first and never longer than 10 s: after an outage the build
 * goes on within seconds. A heartbeat that stays away for 25 s means a dead worker.
 */
const retry = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '10s',
  nonRetryableErrorTypes: permanentFailureKinds as string[],
} as const;

/** A cancelled activity has ended before anything is undone: its effect must not come after the undo. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

export const control = proxyActivities<ControlActivities>({
  taskQueue: controlQueue,
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '30m',
  cancellationType,
  retry,
});

/** Control activities that take minutes: the image is built from packages. */
export const longControl = proxyActivities<ControlActivities>({
  taskQueue: controlQueue,
  startToCloseTimeout: '30m',
  scheduleToCloseTimeout: '90m',
  heartbeatTimeout: '25s',
  cancellationType,
  retry,
});

/** Activities at a site. Attempts go on for half an hour, so that a site may be away for a while. */
export function atSite(site: string) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    startToCloseTimeout: '30m',
    scheduleToCloseTimeout: '60m',
    heartbeatTimeout: '25s',
    cancellationType,
    retry,
  });
}

/** For an activity that waits until its own deadline: when that is over, another attempt is no help. */
export function waitingAtSite(site: string, deadlineMs: number) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    startToCloseTimeout: deadlineMs + 60_000,
    scheduleToCloseTimeout: 2 * deadlineMs,
    heartbeatTimeout: '25s',
    cancellationType,
    retry: { ...retry, nonRetryableErrorTypes: [...retry.nonRetryableErrorTypes, 'Timeout'] },
  });
}

/** For the proof: what fails three times does not get true by repetition. */
export function provingAtSite(site: string) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    startToCloseTimeout: '10m',
    scheduleToCloseTimeout: '30m',
    heartbeatTimeout: '25s',
    cancellationType,
    retry: { ...retry, maximumAttempts: 3 },
  });
}

/** For a person who waits at a terminal: an answer or an error within a minute. */
export function atSiteSoon(site: string) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: '60s',
    heartbeatTimeout: '25s',
    retry: { ...retry, maximumAttempts: 2 },
  });
}
