import type { Info } from '@temporalio/activity';
import { ApplicationFailure, defaultPayloadConverter, type Headers } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { subjectOfQueue, subjectOfWorkflow, type Subject } from '../domain/engine-subjects.ts';
import { stepHeader, stepHeaderSchema } from '../domain/step-header.ts';
import type { ActivityMetrics } from './metrics/activity-metrics.ts';

/** What every line of an activity says: where it belongs. */
type About = Subject & StepPlace & { activity: string; attempt: number };
type StepPlace = Subject & { step?: string; round?: number };

/** What an interceptor is told of an activity; the rest of its context is not needed. */
interface ActivityContext {
  info: Pick<Info, 'activityType' | 'attempt' | 'taskQueue' | 'workflowExecution'>;
  cancellationSignal: AbortSignal;
}

/**
 * Logs when an activity begins, ends and fails, counts it, and puts the cluster, site, step and attempt
 * on its own lines as well.
 */
export function watchActivities(
  log: Logger,
  metrics: ActivityMetrics,
): (context: ActivityContext) => ReturnType<ActivityInterceptorsFactory> {
  return ({ info, cancellationSignal }) => {
    let about = aboutActivity(info, {});
    return {
      inbound: {
        async execute(input, next) {
          about = aboutActivity(info, input.headers);
          const began = performance.now();
          const duration = () => ({ durationMs: Math.round(performance.now() - began) });
          log.info(about, `${about.activity} begins`);
          metrics.begun(about);
          try {
            const result = await next(input);
            log.info({ ...about, ...duration() }, `${about.activity} is done`);
            metrics.ended(about, 'done');
            return result;
          } catch (error) {
            const outcome = cancellationSignal.aborted ? 'cancelled' : 'failed';
            const told = { ...about, ...duration(), ...describe(error) };
            if (outcome === 'cancelled') log.info(told, `${about.activity} was cancelled`);
            else log.warn(told, `${about.activity} failed`);
            metrics.ended(about, outcome);
            throw error;
          }
        },
      },
      outbound: { getLogAttributes: (input, next) => next({ ...input, ...about }) },
    };
  };
}

function aboutActivity(info: ActivityContext['info'], headers: Headers): About {
  return {
    ...subjectOfWorkflow(info.workflowExecution?.workflowId ?? ''),
    ...stepOf(headers),
    // The queue is where it runs: it goes before what the workflow or the step is about.
    ...subjectOfQueue(info.taskQueue),
    activity: info.activityType,
    attempt: info.attempt,
  };
}

/** An unreadable header is no reason to leave the work undone. */
function stepOf(headers: Headers): StepPlace {
  const payload = headers[stepHeader];
  if (payload === undefined) return {};
  const read = stepHeaderSchema.safeParse(defaultPayloadConverter.fromPayload(payload));
  if (!read.success) return {};
  const { site, ...step } = read.data;
  return { ...step, ...(site === undefined ? {} : { site }) };
}

/** The kind and sentence of the failure; what it was made of is in the workflow's history. */
function describe(error: unknown): { failure?: string; host?: unknown; error: string } {
  if (!(error instanceof ApplicationFailure)) return { error: String(error) };
  const host = (error.details?.[0] as { host?: unknown } | undefined)?.host;
  return {
    failure: error.type ?? 'unknown',
    ...(host === undefined ? {} : { host }),
    error: error.message,
  };
}
