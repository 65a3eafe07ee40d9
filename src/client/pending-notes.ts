import { defaultPayloadConverter } from '@temporalio/common';
import type { Client } from '@temporalio/client';
import { clusterWorkflowId } from '../domain/engine-names.ts';

interface Progress {
  note?: string;
  bytes?: number;
  of?: number;
}

/** What the running activities of an operation say of themselves in their heartbeats, and why they are tried again. */
export async function pendingNotes(engine: Client, cluster: string): Promise<string[]> {
  const description = await engine.workflow.getHandle(clusterWorkflowId(cluster)).describe();
  const children = (description.raw.pendingChildren ?? []).flatMap((child) =>
    child.workflowId ? [child.workflowId] : [],
  );
  const notes = await Promise.all(
    [clusterWorkflowId(cluster), ...children].map((workflowId) => notesOf(engine, workflowId)),
  );
  return notes.flat();
}

async function notesOf(engine: Client, workflowId: string): Promise<string[]> {
  try {
    const { raw } = await engine.workflow.getHandle(workflowId).describe();
    return (raw.pendingActivities ?? []).flatMap((activity) => {
      const name = `${activity.activityType?.name ?? 'activity'} (${workflowId})`;
      const failure = activity.lastFailure?.message;
      if (failure && (activity.attempt ?? 1) > 1) {
        return [`${name}: attempt ${activity.attempt}, last error: ${failure}`];
      }
      const payload = activity.heartbeatDetails?.payloads?.[0];
      const text = payload
        ? describe(defaultPayloadConverter.fromPayload<Progress>(payload))
        : undefined;
      return text === undefined ? [] : [`${name}: ${text}`];
    });
  } catch {
    // A child that ended between the two questions has nothing more to say.
    return [];
  }
}

function describe(progress: Progress | undefined | null): string | undefined {
  if (progress?.note !== undefined) return progress.note;
  if (progress?.bytes !== undefined && progress.of) {
    return `${Math.round(progress.bytes / 1e6)} of ${Math.round(progress.of / 1e6)} MB`;
  }
  return undefined;
}
