import { DefaultLogger, type LogEntry } from '@temporalio/worker';
import type { Logger } from 'pino';
import { loggedAt } from './log.ts';
import { subjectOfQueue, subjectOfWorkflow, type Subject } from '../domain/engine-subjects.ts';

/** Told by our own line of the activity's end with its step and duration, or nothing to warn of. */
const needless = ['Activity failed', 'No workflows registered, not polling for workflow tasks'];
const methods = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;
/** What the engine's library adds to each line and no reader of ours needs. */
const noise = ['taskQueue', 'taskToken', 'namespace', 'isLocal', 'sdkComponent', 'message'];

/**
 * The logger for the engine's library: its own lines from INFO on, and what workflows and activities
 * log, go to ours with the cluster and the site that they are about.
 */
export function engineLogger(log: Logger): DefaultLogger {
  return new DefaultLogger('INFO', (entry) => {
    if (needless.includes(entry.message) || isOnlyOfInterestToTheLibrary(entry)) return;
    // They are held back for a moment, so as to come in order.
    loggedAt(new Date(Number(entry.timestampNanos / 1_000_000n)), () =>
      log[methods[entry.level]](fieldsOf(entry.meta ?? {}), entry.message),
    );
  });
}

/** Its comings and goings (INFO) are in our own words already. */
function isOnlyOfInterestToTheLibrary({ level, meta }: LogEntry): boolean {
  const component: unknown = meta?.['sdkComponent'];
  return level === 'INFO' && component !== 'workflow' && component !== 'activity';
}

function fieldsOf(meta: Record<string | symbol, unknown>): Record<string, unknown> {
  const kept = Object.entries(meta).filter(([name]) => !noise.includes(name));
  return { ...subjectOf(meta), ...Object.fromEntries(kept) };
}

function subjectOf({ workflowId, taskQueue }: Record<string | symbol, unknown>): Subject {
  return {
    ...(typeof taskQueue === 'string' ? subjectOfQueue(taskQueue) : {}),
    ...(typeof workflowId === 'string' ? subjectOfWorkflow(workflowId) : {}),
  };
}
