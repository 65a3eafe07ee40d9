import { ApplicationFailure } from '@temporalio/workflow';
import type { FrontendShare } from '../domain/operation.ts';
import { control } from './activities.ts';
import { guestOf } from './converge.ts';

/**
 * The frontend VM of a cluster that is used, as its guest agent is reached. Also while an operation
 * works on the cluster: what is asked of the frontend must not depend on the nodes.
 *
 * @throws {ApplicationFailure} NotFound; BadInput if it does not run.
 */
export async function runningFrontend(
  cluster: string,
): Promise<{ frontend: ReturnType<typeof guestOf>; computes: FrontendShare['computes'] }> {
  const found = await control.watchedCluster({ cluster });
  if (!found) throw noCluster(cluster);
  if (found.phase === 'stopped') {
    throw refusal('BadInput', `cluster ${cluster} is stopped; \`mvc start ${cluster}\` starts it`);
  }
  const { operation } = found.scope;
  const share = await control.frontendShare({ operation });
  return { frontend: guestOf(operation, share), computes: share.computes };
}

export function noCluster(name: string): ApplicationFailure {
  return refusal('NotFound', `there is no cluster ${name}`);
}

function refusal(kind: 'NotFound' | 'BadInput', message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, kind);
}
