import {
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TimeoutFailure } from '@temporalio/common';
import { Failure, failureKinds, failureSchema, type FailureKind } from '../domain/failure.ts';

/** Makes one of our failures, with a sentence for a person, of what the engine's client threw. */
export function toClientFailure(error: unknown, subject: string): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) {
    return fromCause(error.cause, subject);
  }
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
    return new Failure('Timeout', `no control worker took up the request on ${subject}`, {
      help: '`mvc status` shows whether all workers run; then ask again',
      cause: error,
    });
  }
  if (error instanceof WorkflowExecutionAlreadyStartedError) {
    return new Failure('Busy', `another operation runs under ${subject}`, {
      help: 'try again when it has ended',
    });
  }
  if (error instanceof ServiceError) {
    return new Failure('Unreachable', `Temporal did not answer: ${error.message}`, {
      help: '`mvc status` shows the services, `mvc up` starts them',
      cause: error,
    });
  }
  return new Failure('CommandFailed', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}

/** gRPC's codes of a server that answers and refuses: PERMISSION_DENIED, UNAUTHENTICATED. */
const refusals = new Set<unknown>([7, 16]);

/** Why no connection to the engine came about, as one of our failures. */
export function toConnectFailure(error: unknown, address: string): Failure {
  const grpc = error instanceof ServiceError ? error.cause : error;
  if (refusals.has((grpc as { code?: unknown } | undefined)?.code)) {
    return new Failure('AccessDenied', `Temporal at ${address} refuses our key`, {
      help: 'check the API key of the profile, or the file that MVC_TEMPORAL_API_KEY_FILE names',
      cause: error,
    });
  }
  return new Failure('Unreachable', `Temporal does not answer at ${address}`, {
    help: 'start the services with `mvc up`',
    cause: error,
  });
}

function fromCause(cause: unknown, subject: string): Failure {
  if (cause instanceof CancelledFailure)
    return new Failure('Timeout', `the operation on ${subject} was cancelled`);
  if (cause instanceof TimeoutFailure) {
    return new Failure('Timeout', `the operation on ${subject} did not end in time`, {
      help: '`mvc status` shows whether all workers run',
    });
  }
  if (!(cause instanceof ApplicationFailure)) {
    return new Failure('CommandFailed', cause instanceof Error ? cause.message : String(cause));
  }
  const described = failureSchema.safeParse(cause.details?.[0]);
  if (described.success) {
    const { kind, message, help, host } = described.data;
    return new Failure(kind, message, {
      ...(help === undefined ? {} : { help }),
      ...(host === undefined ? {} : { host }),
    });
  }
  return new Failure(kindOf(cause.type), cause.message);
}

function kindOf(type: string | null | undefined): FailureKind {
  return type && type in failureKinds ? (type as FailureKind) : 'CommandFailed';
}
