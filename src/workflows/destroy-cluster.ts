import {
  CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  log,
  ParentClosePolicy,
  setHandler,
} from '@temporalio/workflow';
import { z } from 'zod';
import { clusterSiteWorkflowId } from '../domain/engine-names.ts';
import { clusterNameSchema } from '../domain/names.ts';
import type { OperationScope } from '../domain/operation.ts';
import { atSite, control } from './activities.ts';
import { destroySite } from './destroy-site.ts';
import {
  messageOf,
  parseWorkflowInput,
  requireClusterWorkflowId,
  workflowFailure,
} from './failures.ts';
import { ProgressBoard, siteAttributes } from './progress.ts';
import { siteNewsSignal } from './messages.ts';

/** No operation comes after the removal of a cluster that is no longer recorded. */
const lastEpoch = 2 ** 31 - 1;

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
    const emptySites = scope ? await destroyRecorded(scope, board) : await destroyUnrecorded(name);
    board.setPhase('destroyed', `nothing is left at ${emptySites.join(', ')}`);
    return { cluster: name, phase: 'destroyed', emptySites };
  } catch (error) {
    await CancellationScope.nonCancellable(() => close(scope, board, error));
    if (isCancellation(error)) throw error;
    throw workflowFailure(error);
  }
}

async function destroyRecorded(scope: OperationScope, board: ProgressBoard): Promise<string[]> {
  const results = await Promise.allSettled(scope.sites.map((site) => destroyAt(scope, site)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  await control.finishDestroy({ scope, steps: board.progress.steps });
  return scope.sites;
}

/** A cluster that the store does not know may still have left something: the sites are asked by its name. */
async function destroyUnrecorded(name: string): Promise<string[]> {
  const { sites, installation } = await control.listSites();
  await Promise.all(
    sites.map(async (site) => {
      const at = atSite(site.name);
      const owned = await at.listOwned({ site, installation });
      const ids = new Set(
        owned.filter((thing) => thing.cluster === name).map((thing) => thing.clusterId),
      );
      for (const clusterId of ids) {
        const operation = { mark: { installation, cluster: name, clusterId }, epoch: lastEpoch };
        await at.removeVms({ site, operation });
        const containers = site.containers.map((container) => container.name);
        const kind = site.kind === 'memory' ? 'memory' : 'n2n';
        await at.removeOverlay({ site, operation, kind, containers });
        await at.removeSupernode({ site, operation, kind });
      }
    }),
  );
  return sites.map((site) => site.name);
}

async function close(
  scope: OperationScope | undefined,
  board: ProgressBoard,
  error: unknown,
): Promise<void> {
  const outcome = isCancellation(error) ? 'cancelled' : 'failed';
  board.setPhase(outcome, messageOf(error));
  if (!scope) return;
  const { steps } = board.progress;
  try {
    await control.closeBuild({ scope, outcome, error: messageOf(error), abandoned: false, steps });
  } catch (closing) {
    log.warn('the end of the destroy could not be recorded', { error: messageOf(closing) });
  }
}

function destroyAt(scope: OperationScope, site: string): Promise<void> {
  return executeChild(destroySite, {
    workflowId: clusterSiteWorkflowId(scope.operation.mark.cluster, site),
    args: [{ site, operation: scope.operation }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `remove ${scope.operation.mark.cluster} at ${site}`,
    typedSearchAttributes: siteAttributes(scope.operation.mark.cluster, site),
  });
}
