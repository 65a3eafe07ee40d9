import {
  CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
} from '@temporalio/workflow';
import { z } from 'zod';
import { clusterSiteWorkflowId } from '../domain/engine-names.ts';
import { clusterNameSchema } from '../domain/names.ts';
import type { OperationScope } from '../domain/operation.ts';
import { control } from './activities.ts';
import { destroySite } from './destroy-site.ts';
import {
  messageOf,
  parseWorkflowInput,
  requireClusterWorkflowId,
  workflowFailure,
} from './failures.ts';
import { ProgressBoard } from './progress.ts';
import { setHandler } from '@temporalio/workflow';
import { siteNewsSignal } from './messages.ts';

const inputSchema = z.strictObject({ name: clusterNameSchema });

export interface DestroyResult {
  cluster: string;
  phase: 'destroyed';
  /** Sites that were asked at the end, each of which said that nothing is left. */
  emptySites: string[];
}

/** Removes a cluster from every site, from any state. Its id must be `cluster:<name>`. */
export async function destroyCluster(input: unknown): Promise<DestroyResult> {
  const { name } = parseWorkflowInput(inputSchema, input);
  requireClusterWorkflowId(name);
  const board = new ProgressBoard(name, 'destroy', 'destroying');
  setHandler(siteNewsSignal, (news) => news.steps.forEach(board.record));
  let scope: OperationScope | undefined;
  try {
    scope = await control.beginDestroy({ cluster: name });
    const begun = scope;
    const results = await Promise.allSettled(begun.sites.map((site) => destroyAt(begun, site)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    await control.finishDestroy({ scope, steps: board.progress.steps });
    board.setPhase('destroyed', `nothing is left at ${scope.sites.join(', ')}`);
    return { cluster: name, phase: 'destroyed', emptySites: scope.sites };
  } catch (error) {
    const closing = scope;
    await CancellationScope.nonCancellable(async () => {
      const outcome = isCancellation(error) ? 'cancelled' : 'failed';
      board.setPhase(outcome, messageOf(error));
      if (closing) {
        await control.closeBuild({
          scope: closing,
          outcome,
          error: messageOf(error),
          abandoned: false,
          steps: board.progress.steps,
        });
      }
    });
    if (isCancellation(error)) throw error;
    throw workflowFailure(error);
  }
}

function destroyAt(scope: OperationScope, site: string): Promise<void> {
  return executeChild(destroySite, {
    workflowId: clusterSiteWorkflowId(scope.operation.mark.cluster, site),
    args: [{ site, operation: scope.operation }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `remove ${scope.operation.mark.cluster} at ${site}`,
  });
}
