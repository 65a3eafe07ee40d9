import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import type { z } from 'zod';
import { clusterWorkflowId } from '../domain/engine-names.ts';
import { describeZodError, failureSchema, type FailureDescription } from '../domain/failure.ts';

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

/** What happened, as one sentence, with what to do next if it is known. */
export function messageOf(error: unknown): string {
  const cause = rootCause(error);
  if (cause instanceof TimeoutFailure) return describeTimeout(error);
  const described = describedFailure(cause);
  if (described)
    return described.help ? `${described.message}; ${described.help}` : described.message;
  return cause instanceof Error ? cause.message : String(cause);
}

function describeTimeout(error: unknown): string {
  const activity = error instanceof ActivityFailure ? ` ${error.activityType}` : '';
  return `no worker has ended the activity${activity} in time; \`mvc status\` shows whether all workers run, \`mvc site list\` the sites they serve`;
}

function describedFailure(cause: unknown): FailureDescription | undefined {
  if (!(cause instanceof ApplicationFailure)) return undefined;
  const result = failureSchema.safeParse(cause.details?.[0]);
  return result.success ? result.data : undefined;
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
