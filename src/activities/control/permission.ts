import type { ClusterSpec, OperationKind } from '../../domain/cluster.ts';
import { Failure } from '../../domain/failure.ts';
import { diffSpecs } from '../../domain/spec-diff.ts';
import type { RecordedPlan } from '../../store/plans.ts';

/**
 * Whether a build of this spec would go on with the recorded cluster, or find it ready.
 *
 * @throws {Failure} Conflict if it may do neither.
 */
export function takeUpState(recorded: RecordedPlan, spec: ClusterSpec): 'unfinished' | 'ready' {
  refuseDestroying(recorded);
  const { cluster } = recorded;
  const { name } = cluster;
  const lines = diffSpecs(cluster.spec, spec);
  if (lines.length > 0) {
    throw new Failure(
      'Conflict',
      `cluster ${name} exists with another spec (there → here): ${lines.join('; ')}`,
      {
        help: `\`mvc scale ${name}\` changes numbers of computes; \`mvc destroy ${name}\` removes the cluster, for another one under this name`,
      },
    );
  }
  refuseStopped(recorded);
  return cluster.phase === 'ready' ? 'ready' : 'unfinished';
}

/** @throws {Failure} Conflict if the operation may not begin on the cluster as it is. */
export function refuseOperation(
  recorded: RecordedPlan,
  kind: Exclude<OperationKind, 'build' | 'destroy'>,
  vm?: string,
): void {
  refuseDestroying(recorded);
  const { cluster } = recorded;
  if (cluster.readyAt === undefined) {
    throw new Failure(
      'Conflict',
      `cluster ${cluster.name} was never ready, so there is nothing to ${kind} yet`,
      { help: `\`mvc create ${cluster.name}\` goes on with its build` },
    );
  }
  const ofWhole = (kind === 'start' || kind === 'stop') && vm === undefined;
  if (!ofWhole) refuseStopped(recorded);
  if (vm !== undefined && kind === 'stop' && cluster.phase !== 'ready') {
    // Its end would call ready what another operation has left half done.
    throw new Failure(
      'Conflict',
      `cluster ${cluster.name} is ${cluster.phase}, so that no VM of it is stopped alone`,
      { help: `\`mvc create ${cluster.name}\` goes on with what was left undone` },
    );
  }
  if (vm === 'frontend' && kind === 'stop') {
    throw new Failure('Conflict', `the frontend of cluster ${cluster.name} is not stopped alone`, {
      help: `\`mvc stop ${cluster.name}\` stops all its VMs, the frontend last`,
    });
  }
}

/** @throws {Failure} Conflict: nothing but its removal may come of a cluster that is being destroyed. */
export function refuseDestroying({ cluster: { name, phase } }: RecordedPlan): void {
  if (phase !== 'destroying') return;
  throw new Failure('Conflict', `cluster ${name} is half destroyed`, {
    help: `finish that first: \`mvc destroy ${name}\``,
  });
}

/** A cluster is stopped if its frontend is wanted off, however the stop went. */
function refuseStopped({ cluster: { name, phase }, vms }: RecordedPlan): void {
  const isOff = vms.some((vm) => vm.role === 'frontend' && vm.state === 'stopped');
  if (!isOff && phase !== 'stopped') return;
  throw new Failure('Conflict', `cluster ${name} is stopped`, {
    help: `\`mvc start ${name}\` first`,
  });
}
