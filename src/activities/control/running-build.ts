import type { OperationScope } from '../../domain/operation.ts';
import { findBuild, type BuildRecord } from '../../store/builds.ts';
import {
  clusterReplaced,
  lockCluster,
  staleEpoch,
  type ClusterRecord,
} from '../../store/clusters.ts';
import type { Database } from '../../store/database.ts';

/**
 * The operation that asks, as it is recorded, with its cluster's row locked.
 *
 * @throws {Failure} NotFound if the cluster is gone; StaleEpoch if a later operation has begun.
 */
export async function runningBuild(
  tx: Database,
  scope: OperationScope,
): Promise<{ cluster: ClusterRecord; build: BuildRecord }> {
  const { mark } = scope.operation;
  const cluster = await lockCluster(tx, mark.cluster);
  if (cluster.id !== mark.clusterId) throw clusterReplaced(scope.operation);
  const build = await findBuild(tx, scope.buildId);
  if (cluster.epoch > build.epoch) throw staleEpoch(cluster, build.epoch);
  return { cluster, build };
}
