import type { ClusterPhase, OperationKind } from '../domain/cluster.ts';

/** Names of the workflows that work on a cluster, all of them under the id `cluster:<name>`. */
export const workflowTypes = {
  build: 'buildCluster',
  scale: 'scaleCluster',
  repair: 'repairCluster',
  stop: 'stopCluster',
  start: 'startCluster',
  destroy: 'destroyCluster',
} as const satisfies Record<OperationKind, string>;

/** What a run under a cluster's id does, by its workflow's name. */
export function operationKindOf(workflowType: string): OperationKind {
  const kinds = Object.keys(workflowTypes) as OperationKind[];
  return kinds.find((kind) => workflowTypes[kind] === workflowType) ?? 'build';
}

/** The phase of a cluster on which such an operation works. */
export function phaseDuring(kind: OperationKind): ClusterPhase {
  if (kind === 'build') return 'building';
  return kind === 'destroy' ? 'destroying' : 'changing';
}
