import { defaultPayloadConverter } from '@temporalio/common';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { clusterWorkflowId } from '../domain/engine-names.ts';
import { heartbeatSchema, uploadOf, type Heartbeat } from '../domain/heartbeat.ts';

/** One call of an operation that has not ended, as the engine and its own heartbeat tell of it. */
export interface RunningActivity {
  /** Name of the activity, e.g. `ensureImage`. */
  name: string;
  /** Absent for one of the whole cluster. */
  site?: string;
  /** From 1. */
  attempt: number;
  /** Why the last attempt failed; absent in the first. */
  lastError?: string;
  heartbeat: Heartbeat;
}

type Described = Pick<WorkflowExecutionDescription, 'raw'>;
type Pending = NonNullable<Described['raw']['pendingActivities']>[number];

/** Sites that are asked for at a time: a hundred at once would be a burst each second. */
const batchSize = 10;

/** The running activities of an operation: its own, and those of its sites. */
export async function runningActivities(
  engine: Client,
  cluster: string,
  description: Described,
): Promise<RunningActivity[]> {
  const children = (description.raw?.pendingChildren ?? []).flatMap(({ workflowId }) =>
    workflowId ? [workflowId] : [],
  );
  const found = activitiesOf(description, undefined);
  for (let first = 0; first < children.length; first += batchSize) {
    const batch = children.slice(first, first + batchSize);
    const theirs = await Promise.all(batch.map((id) => childActivities(engine, cluster, id)));
    found.push(...theirs.flat());
  }
  return found;
}

async function childActivities(engine: Client, cluster: string, workflowId: string) {
  try {
    const description = await engine.workflow.getHandle(workflowId).describe();
    return activitiesOf(description, siteOfChild(cluster, workflowId));
  } catch {
    // A child that ended between the two questions has nothing more to say.
    return [];
  }
}

function siteOfChild(cluster: string, workflowId: string): string | undefined {
  const prefix = `${clusterWorkflowId(cluster)}:`;
  return workflowId.startsWith(prefix) ? workflowId.slice(prefix.length) : undefined;
}

function activitiesOf({ raw }: Described, site: string | undefined): RunningActivity[] {
  return (raw?.pendingActivities ?? []).map((pending) => ({
    name: pending.activityType?.name ?? 'activity',
    ...(site === undefined ? {} : { site }),
    ...attemptOf(pending),
    heartbeat: heartbeatOf(pending),
  }));
}

function attemptOf({ attempt, lastFailure }: Pending): { attempt: number; lastError?: string } {
  const number = attempt ?? 1;
  const error = lastFailure?.message;
  return { attempt: number, ...(number > 1 && error ? { lastError: error } : {}) };
}

/** A worker of another version may say things that this one does not know: then it says nothing. */
function heartbeatOf({ heartbeatDetails }: Pending): Heartbeat {
  const payload = heartbeatDetails?.payloads?.[0];
  if (!payload) return {};
  try {
    return heartbeatSchema.parse(defaultPayloadConverter.fromPayload(payload));
  } catch {
    return {};
  }
}

/** What an activity says, as a sentence; undefined if it says nothing. */
export function noteOf({ attempt, lastError, heartbeat }: RunningActivity): string | undefined {
  if (lastError !== undefined) return `attempt ${attempt}, last error: ${lastError}`;
  if (heartbeat.note !== undefined) return heartbeat.note;
  const upload = uploadOf(heartbeat);
  return upload && `${megabytes(upload.bytes)} of ${megabytes(upload.of)} MB`;
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
