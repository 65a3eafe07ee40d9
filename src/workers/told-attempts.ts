import type { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { attemptsHeader, failedBefore, wrapResult } from '../domain/attempts.ts';

/**
 * Puts into the result of an activity how often it was tried and why it failed, for a workflow that
 * says in a header that it reads that. The engine itself forgets it with the run.
 */
export const tellAttempts: ActivityInterceptorsFactory = ({
  info,
}: Pick<Context, 'info'>): ReturnType<ActivityInterceptorsFactory> => ({
  inbound: {
    async execute(input, next) {
      const result = await next(input);
      if (info.attempt === 1 || input.headers[attemptsHeader] === undefined) return result;
      const failed = failedBefore(info.heartbeatDetails, info.attempt);
      return wrapResult(result, { attempts: info.attempt, failed });
    },
  },
});
