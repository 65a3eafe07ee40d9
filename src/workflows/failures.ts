import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { z } from 'zod';
import {
  failedAttempt,
  failedBefore,
  readTried,
  withFailed,
  type Tried,
} from '../domain/attempts.ts';
import { clusterWorkflowId } from '../domain/engine-names.ts';
import {
  describeZodError,
  failureKinds,
  failureSchema,
  type FailureDescription,
  type FailureKind,
} from '../domain/failure.ts';

/** The innermost cause: what really happened, below the engine's wrappers. */
export function rootCause(error: unknown): unknown {
  let current = error;
  while (
    (current instanceof ActivityFailure || current instanceof ChildWorkflowFailure) &&
    current.cause !== undefined
  ) {
    current = current.cause;
  }
  return current;
}

/** Of a failure that ends a site's part of an operation, which then begins anew with other MACs. */
export const macClashType = 'MacClash';

/** What happened, as one of our failures: whatever the engine has wrapped around it. */
export function describeFailure(error: unknown): FailureDescription {
  const cause = rootCause(error);
  if (cause instanceof TimeoutFailure) return describeTimeout(error);
  if (cause instanceof ApplicationFailure) {
    const described = failureSchema.safeParse(cause.details?.[0]);
    if (described.success) return described.data;
    return { kind: kindOf(cause.type), message: cause.message };
  }
  return { kind: 'CommandFailed', message: cause instanceof Error ? cause.message : String(cause) };
}

/** What happened, as one sentence, with what to do next if it is known. */
export function messageOf(error: unknown): string {
  const { message, help } = describeFailure(error);
  return help ? `${message}; ${help}` : message;
}

/** How the attempts of an activity went that has failed; undefined if it was cancelled. */
export function triedOfFailure(error: unknown): Tried | undefined {
  const cause = rootCause(error);
  if (cause instanceof ApplicationFailure) {
    const only = { attempts: 1, failed: [failedAttempt(1, describeFailure(error))] };
    return readTried(cause.details?.[1]) ?? only;
  }
  if (!(cause instanceof TimeoutFailure)) return undefined;
  // Of the last attempts nobody but an earlier heartbeat tells: there was at least one more.
  const before = failedBefore(cause.lastHeartbeatDetails, 1);
  const attempts = (before.at(-1)?.to ?? 0) + 1;
  return { attempts, failed: withFailed(before, failedAttempt(attempts, describeFailure(error))) };
}

function describeTimeout(error: unknown): FailureDescription {
  const activity = error instanceof ActivityFailure ? ` ${error.activityType}` : '';
  return {
    kind: 'Timeout',
    message: `no worker has ended the activity${activity} in time`,
    help: '`mvc status` shows whether all workers run, `mvc site list` the sites they serve',
  };
}

function kindOf(type: string | null | undefined): FailureKind {
  return type && type in failureKinds ? (type as FailureKind) : 'CommandFailed';
}

/** The failure with which a whole workflow ends: the root cause's kind and sentence. */
export function workflowFailure(error: unknown): ApplicationFailure {
  const cause = rootCause(error);
  const kind =
    cause instanceof ApplicationFailure ? (cause.type ?? 'CommandFailed') : 'CommandFailed';
  return ApplicationFailure.create({
    type: kind,
    message: messageOf(error),
    nonRetryable: true,
    details: cause instanceof ApplicationFailure ? (cause.details ?? []) : [],
  });
}

/** Checks a workflow's input as a person may have typed it into a form. */
export function parseWorkflowInput<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw ApplicationFailure.nonRetryable(
    `the input is not valid: ${describeZodError(result.error)}`,
    'BadInput',
  );
}

/** The id is the lock of the cluster: a run under another id could meet a second one at the sites. */
export function requireClusterWorkflowId(cluster: string): void {
  const wanted = clusterWorkflowId(cluster);
  const { workflowId } = workflowInfo();
  if (workflowId !== wanted) {
    throw ApplicationFailure.nonRetryable(
      `this run has the id ${workflowId}, but operations on cluster ${cluster} must run under ${wanted}: start it again under that id`,
      'BadInput',
    );
  }
}

/** The workflow of which this one is a part. @throws {ApplicationFailure} if a person started it. */
export function requireParent(whole: string): { workflowId: string; runId: string } {
  const { parent, workflowType } = workflowInfo();
  if (parent !== undefined) return parent;
  throw ApplicationFailure.nonRetryable(
    `${workflowType} is a part of ${whole}: start that instead`,
    'BadInput',
  );
}
