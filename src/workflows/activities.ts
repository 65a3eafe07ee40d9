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

/** One and a half minutes of refusals, some five of silence: then the step parks, and somebody is told. */
const siteAttempts = 12;

/** A queue that nobody serves parks the step too. */
const scheduleToStartTimeout = '3m';

/** A cancelled activity has ended before anything is undone: its effect must not come after the undo. */
const cancellationType = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED;

/** Without the store nothing can be recorded, not even that a step is parked: so they wait for it. */
export const control = proxyActivities<ControlActivities>({
  taskQueue: controlQueue,
  startToCloseTimeout: '60s',
  heartbeatTimeout: '15s',
  cancellationType,
  retry,
});

/** For what an operation can do without. */
export const controlSoon = proxyActivities<ControlActivities>({
  taskQueue: controlQueue,
  startToCloseTimeout: '30s',
  heartbeatTimeout: '15s',
  cancellationType,
  retry: { ...retry, maximumAttempts: 5 },
});

/** Control activities that take minutes: the image is built from packages. */
export const longControl = proxyActivities<ControlActivities>({
  taskQueue: controlQueue,
  startToCloseTimeout: '30m',
  heartbeatTimeout: '25s',
  cancellationType,
  retry: { ...retry, maximumAttempts: siteAttempts },
});

/** Activities at a site that take seconds, at a loaded host a minute or two. */
export function atSite(site: string) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    scheduleToStartTimeout,
    startToCloseTimeout: '5m',
    heartbeatTimeout: '25s',
    cancellationType,
    retry: { ...retry, maximumAttempts: siteAttempts },
  });
}

/** For the image: as long as a slow line needs. */
export function uploadingToSite(site: string) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    scheduleToStartTimeout,
    startToCloseTimeout: '2h',
    heartbeatTimeout: '25s',
    cancellationType,
    retry: { ...retry, maximumAttempts: siteAttempts },
  });
}

/** For an activity that waits until its own deadline: when that is over, another attempt is no help. */
export function waitingAtSite(site: string, deadlineMs: number) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    scheduleToStartTimeout,
    startToCloseTimeout: deadlineMs + 60_000,
    heartbeatTimeout: '25s',
    cancellationType,
    retry: {
      ...retry,
      maximumAttempts: siteAttempts,
      nonRetryableErrorTypes: [...retry.nonRetryableErrorTypes, 'Timeout'],
    },
  });
}

/** For the proof: what fails three times does not get true by repetition. */
export function provingAtSite(site: string) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    scheduleToStartTimeout,
    startToCloseTimeout: '10m',
    heartbeatTimeout: '25s',
    cancellationType,
    retry: { ...retry, maximumAttempts: 3 },
  });
}

/** For a person who waits at a terminal, or for a look: an answer or an error within a minute. */
export function atSiteSoon(site: string) {
  return proxyActivities<SiteActivities>({
    taskQueue: siteQueue(site),
    startToCloseTimeout: '30s',
    scheduleToCloseTimeout: '60s',
    heartbeatTimeout: '25s',
    retry: { ...retry, maximumAttempts: 2 },
  });
}
