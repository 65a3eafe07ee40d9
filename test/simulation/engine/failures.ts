import {
  defaultFailureConverter,
  defaultPayloadConverter,
  ensureTemporalFailure,
  type ProtoFailure,
} from '@temporalio/common';

/** Failures as the engine writes them into histories; numbers are those of its protocol. */
export const retryStates = {
  nonRetryable: 2,
  timeout: 3,
  maximumAttempts: 4,
  cancelRequested: 7,
} as const;
export type RetryState = (typeof retryStates)[keyof typeof retryStates];

export const timeoutTypes = {
  startToClose: 1,
  scheduleToStart: 2,
  scheduleToClose: 3,
  heartbeat: 4,
} as const;
export type TimeoutType = keyof typeof timeoutTypes;

export function failureOf(error: unknown): ProtoFailure {
  return defaultFailureConverter.errorToFailure(
    ensureTemporalFailure(error),
    defaultPayloadConverter,
  );
}

export function cancelledFailure(message: string): ProtoFailure {
  return { message, source: 'Server', canceledFailureInfo: {} };
}

export function timeoutFailure(type: TimeoutType, cause?: ProtoFailure): ProtoFailure {
  return {
    message: `activity ${type} timeout`,
    source: 'Server',
    timeoutFailureInfo: { timeoutType: timeoutTypes[type] },
    ...(cause ? { cause } : {}),
  };
}

export function activityFailure(
  activityType: string,
  activityId: string,
  retryState: RetryState,
  cause: ProtoFailure,
): ProtoFailure {
  return {
    message: 'Activity task failed',
    source: 'Server',
    activityFailureInfo: {
      activityId,
      activityType: { name: activityType },
      identity: 'simulated worker',
      retryState,
    },
    cause,
  };
}

export function childFailure(
  child: { workflowId: string; runId: string; type: string },
  cause: ProtoFailure,
): ProtoFailure {
  return {
    message: 'Child Workflow execution failed',
    source: 'Server',
    childWorkflowExecutionFailureInfo: {
      namespace: 'simulated',
      workflowType: { name: child.type },
      workflowExecution: { workflowId: child.workflowId, runId: child.runId },
      retryState: retryStates.nonRetryable,
    },
    cause,
  };
}

export function notFoundFailure(workflowId: string): ProtoFailure {
  return {
    message: `there is no running workflow ${workflowId}`,
    source: 'Server',
    applicationFailureInfo: { type: 'NotFound', nonRetryable: true },
  };
}
