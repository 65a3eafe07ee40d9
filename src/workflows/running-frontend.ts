import { ApplicationFailure } from '@temporalio/workflow';
import { control } from './activities.ts';
import { guestOf } from './converge.ts';
import type { FrontendShare } from '../domain/operation.ts';

/**
 * The frontend VM of a cluster that is used, as its guest agent is reached. Also while an operation
 * works on the cluster: what is asked of the frontend must not depend on the nodes.
 *
 * @throws {ApplicationFailure} NotFound; BadInput if it does not run.
 */
export async function runningFrontend(
  cluster: string,
): Promise<ReturnType<typeof guestOf> & { share: FrontendShare }> {
  const found = await control.watchedCluster({ cluster });
  if (!found) throw refusal('NotFound', `there is no cluster ${cluster}`);
  if (found.phase === 'stopped') {
    throw refusal('BadInput', `cluster ${cluster} is stopped; \`mvc start ${cluster}\` starts it`);
  }
  const { operation } = found.scope;
  const share = await control.frontendShare({ operation });
  return { ...guestOf(operation, share), share };
}

function refusal(kind: 'NotFound' | 'BadInput', message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, kind);
}
