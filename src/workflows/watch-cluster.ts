import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { log, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { z } from 'zod';
import { askedByMemo } from '../domain/asked-by.ts';
import { isMendable, type Finding } from '../domain/drift.ts';
import { clusterWorkflowId } from '../domain/engine-names.ts';
import { clusterNameSchema } from '../domain/names.ts';
import { control } from './activities.ts';
import { repairCluster } from './change-cluster.ts';
import { parseWorkflowInput, workflowFailure } from './failures.ts';
import { endWatch } from './watching.ts';
import { lookAtCluster } from './look.ts';

export interface WatchResult {
  cluster: string;
  /** False if there was nothing to look at: the cluster is gone, or an operation works on it. */
  looked: boolean;
  findings: Finding[];
}

/**
 * Looks at a ready cluster and says on it what is amiss; mends it if the spec says so. Started by the
 * schedule `watch:<cluster>`. Looking changes nothing at the sites.
 */
export async function watchCluster(input: unknown): Promise<WatchResult> {
  const { name: cluster } = parseWorkflowInput(z.strictObject({ name: clusterNameSchema }), input);
  try {
    const watched = await control.watchedCluster({ cluster });
    if (!watched) await endWatch(cluster);
    if (watched?.phase !== 'ready') return { cluster, looked: false, findings: [] };
    const findings = await lookAtCluster(watched.scope);
    const { clusterId } = watched.scope.operation.mark;
    await control.recordDrift({ cluster, clusterId, findings });
    const canBeMended = findings.some(isMendable);
    if (watched.watch.repair && canBeMended) await startRepair(cluster);
    return { cluster, looked: true, findings };
  } catch (error) {
    throw workflowFailure(error);
  }
}

async function startRepair(cluster: string): Promise<void> {
  try {
    await startChild(repairCluster, {
      workflowId: clusterWorkflowId(cluster),
      args: [{ name: cluster }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `repairCluster ${cluster}`,
      memo: { [askedByMemo]: `watch:${cluster}` },
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    log.info('not repaired: another operation works on the cluster', { cluster });
  }
}
