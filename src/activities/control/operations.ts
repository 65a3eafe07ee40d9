import type { ClusterPhase, ClusterSpec, OperationKind } from '../../domain/cluster.ts';
import { Failure } from '../../domain/failure.ts';
import type { OperationScope } from '../../domain/operation.ts';
import { scaledSpec } from '../../domain/spec-change.ts';
import { sameSpec } from '../../domain/spec-diff.ts';
import { isStaying } from '../../domain/vm-state.ts';
import { listBuilds, renewBuild, startBuild } from '../../store/builds.ts';
import { recordChange } from '../../store/changes.ts';
import { clusterNotFound, findCluster, lockCluster, setPhase } from '../../store/clusters.ts';
import type { Database } from '../../store/database.ts';
import { changeInTransaction, findPlan, type RecordedPlan } from '../../store/plans.ts';
import { wantVmState } from '../../store/vms.ts';
import { activity } from '../activity.ts';
import { conditionsWith } from './conditions.ts';
import type { ControlDependencies } from './dependencies.ts';
import { keepMacsApart, toldMacs } from './macs.ts';
import { refuseOperation } from './permission.ts';
import { planChange } from './planning.ts';
import { runningBuild } from './running-build.ts';
import { scopeOf, startOf } from './scopes.ts';

/** What can be done to a cluster that was built. */
export type ChangeKind = Exclude<OperationKind, 'build' | 'destroy'>;

/** An operation as it was asked for. */
export interface OperationRequest {
  cluster: string;
  kind: ChangeKind;
  /** Scale: site → number of computes from now on; other sites keep theirs. */
  sites?: Record<string, number>;
  /** Stop and start: the one VM that is meant; without it, all are. */
  vm?: string;
  askedBy?: string;
}

/** What looking after a cluster needs to know of it. */
export interface WatchedCluster {
  /** Under the newest epoch. */
  scope: OperationScope;
  phase: ClusterPhase;
  watch: ClusterSpec['watch'];
}

const goingOn: Record<ChangeKind, { reason: string; message: string }> = {
  scale: { reason: 'Scaling', message: 'VMs join or leave' },
  repair: { reason: 'Repairing', message: 'what is amiss is being mended' },
  stop: { reason: 'Stopping', message: 'VMs are being stopped' },
  start: { reason: 'Starting', message: 'VMs are being started' },
};

/** Activities that begin operations: the intent is recorded with the operation, or neither is. */
export function createOperationActivities({ db }: ControlDependencies) {
  return {
    /**
     * Begins an operation on a cluster that was built. Throws NotFound, BadInput, Conflict or
     * NoCapacity with nothing changed.
     */
    async beginOperation(input: OperationRequest): Promise<OperationScope> {
      return activity(() =>
        changeInTransaction(db, input.cluster, async (tx) => {
          const { cluster: name, kind } = input;
          let told: { reassigned?: string[] } = {};
          const build = await startBuild(
            tx,
            { cluster: name, ...startOf(kind, input) },
            {
              before: async () => {
                await recordIntent(tx, input);
                if (kind !== 'stop') told = toldMacs(await keepMacsApart(tx, name));
              },
              after: async (_, { epoch }) => {
                const cluster = await lockCluster(tx, name);
                const ready = { status: false, ...goingOn[kind] };
                const conditions = await conditionsWith(tx, cluster, ready);
                await setPhase(tx, name, 'changing', conditions, epoch);
              },
            },
          );
          return { ...(await scopeOf(tx, await lockCluster(tx, name), build)), ...told };
        }),
      );
    },

    /** A cluster as it is to be looked at; undefined if it is not recorded, or nothing was built yet. */
    async watchedCluster(input: { cluster: string }): Promise<WatchedCluster | undefined> {
      return activity(async () => {
        const cluster = await findCluster(db, input.cluster);
        if (!cluster) return undefined;
        const builds = await listBuilds(db, cluster.name);
        const last = builds.find((each) => each.clusterId === cluster.id);
        if (!last) return undefined;
        const scope = await scopeOf(db, cluster, { ...last, epoch: cluster.epoch });
        return { scope, phase: cluster.phase, watch: cluster.spec.watch };
      });
    },

    /**
     * Takes a corrected spec while an operation runs: the new plan and the epoch under which it is
     * carried out. The same spec again changes nothing.
     */
    async changePlan(input: { scope: OperationScope; spec: ClusterSpec }): Promise<OperationScope> {
      return activity(() =>
        changeInTransaction(db, input.spec.name, async (tx) => changeRunning(tx, input)),
      );
    },

    /** Undefined if no such cluster is recorded. */
    async beginDestroy(input: {
      cluster: string;
      askedBy?: string;
    }): Promise<OperationScope | undefined> {
      return activity(async () => {
        const cluster = await findCluster(db, input.cluster);
        if (!cluster) return undefined;
        const start = { cluster: cluster.name, ...startOf('destroy', input) };
        const build = await startBuild(db, start, {
          after: (tx, { epoch }) => setPhase(tx, cluster.name, 'destroying', [], epoch),
        });
        return scopeOf(db, cluster, build);
      });
    },
  };
}

async function recordIntent(tx: Database, request: OperationRequest): Promise<void> {
  const recorded = await findPlan(tx, request.cluster);
  if (!recorded) throw clusterNotFound(request.cluster);
  refuseOperation(recorded, request.kind, request.vm);
  if (request.kind === 'scale') await recordScale(tx, recorded, request.sites ?? {});
  if (request.kind === 'stop') {
    await wantVmState(tx, request.cluster, namesMeant(recorded, request.vm), 'stopped');
  }
  if (request.kind === 'start') {
    const meant = namesMeant(recorded, request.vm);
    const off = recorded.vms.filter((vm) => meant.includes(vm.name) && vm.state === 'stopped');
    const names = off.map((vm) => vm.name);
    await wantVmState(tx, request.cluster, names, 'reserved');
  }
}

async function recordScale(
  tx: Database,
  recorded: RecordedPlan,
  computes: Record<string, number>,
): Promise<void> {
  const { spec } = recorded.cluster;
  if (Object.keys(computes).length === 0) {
    throw new Failure(
      'BadInput',
      `no site is named by which cluster ${spec.name} is to be scaled`,
      {
        help: `say where and to how many computes: \`mvc scale ${spec.name} ${spec.origin}=2\``,
      },
    );
  }
  const wanted = scaledSpec(spec, computes);
  await recordChange(tx, await planChange(tx, recorded, wanted));
}

/** @throws {Failure} NotFound with the names that there are. */
function namesMeant({ cluster, vms }: RecordedPlan, vm?: string): string[] {
  const names = vms.filter(isStaying).map((each) => each.name);
  if (vm === undefined) return names;
  if (names.includes(vm)) return [vm];
  throw new Failure('NotFound', `cluster ${cluster.name} has no VM ${vm}`, {
    help: `its VMs are ${names.join(', ')}`,
  });
}

async function changeRunning(
  tx: Database,
  { scope, spec }: { scope: OperationScope; spec: ClusterSpec },
): Promise<OperationScope> {
  const { cluster, build } = await runningBuild(tx, scope);
  if (build.kind === 'destroy' || build.kind === 'stop') {
    throw new Failure(
      'Conflict',
      `a ${build.kind} of cluster ${cluster.name} takes no other spec`,
      {
        help: 'let it go on without one',
      },
    );
  }
  if (sameSpec(cluster.spec, spec)) return scopeOf(tx, cluster, build);
  const recorded = await findPlan(tx, cluster.name);
  if (!recorded) throw clusterNotFound(cluster.name);
  await recordChange(tx, await planChange(tx, recorded, spec));
  const told = toldMacs(await keepMacsApart(tx, cluster.name));
  const renewed = await renewBuild(tx, build);
  return { ...(await scopeOf(tx, await lockCluster(tx, cluster.name), renewed)), ...told };
}
