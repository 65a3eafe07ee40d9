import { isDeepStrictEqual } from 'node:util';
import type { Condition, ParkedStep, StepRecord, VerifyReport } from '../../domain/cluster.ts';
import type { Finding } from '../../domain/drift.ts';
import type { Operation } from '../../domain/mark.ts';
import type { OperationScope } from '../../domain/operation.ts';
import { finishBuild } from '../../store/builds.ts';
import { forgetVms } from '../../store/changes.ts';
import {
  deleteCluster,
  fenced,
  findCluster,
  lockCluster,
  setConditions,
  setPhase,
  setVerifyReport,
  type ClusterRecord,
} from '../../store/clusters.ts';
import type { Database } from '../../store/database.ts';
import { inTransaction } from '../../store/transaction.ts';
import { listVms, setVmStates } from '../../store/vms.ts';
import { activity } from '../activity.ts';
import { conditionsWith, withAttention, withDrift } from './conditions.ts';
import type { ControlDependencies } from './dependencies.ts';

/**
 * Activities that record how an operation goes. Each is safe to repeat, and refused with StaleEpoch
 * once a later operation has begun.
 */
export function createRecordActivities({ db }: ControlDependencies) {
  return {
    /** What was seen of VMs: name → state. What is wanted of them (leaving, stopped) stays. */
    async recordVmStates(input: {
      operation: Operation;
      states: Record<string, string>;
      /** Only of VMs whose state is one of these. */
      from?: string[];
    }): Promise<void> {
      const { operation, states, from } = input;
      return activity(() =>
        fenced(db, operation, (tx, { name }) => setVmStates(tx, name, states, from)),
      );
    },

    /** Forgets VMs that have left their sites: their names, MACs, addresses and ports are free. */
    async forgetVms(input: { operation: Operation; vms: string[] }): Promise<void> {
      return activity(() =>
        fenced(db, input.operation, (tx, { spec }) => forgetVms(tx, spec, input.vms)),
      );
    },

    /** Says on the cluster what waits for a person; nothing does if no step is parked. */
    async recordAttention(input: { operation: Operation; parked: ParkedStep[] }): Promise<void> {
      return activity(() =>
        fenced(db, input.operation, (tx, cluster) =>
          changeConditions(tx, cluster, withAttention(cluster.conditions, input.parked)),
        ),
      );
    },

    /** Says on a ready cluster what was found amiss. Nothing is written if that was known. */
    async recordDrift(input: {
      cluster: string;
      clusterId: string;
      findings: Finding[];
    }): Promise<void> {
      return activity(async () => {
        const isMeant = (found?: ClusterRecord) =>
          found?.id === input.clusterId && found.phase === 'ready';
        const seen = await findCluster(db, input.cluster);
        if (!seen || !isMeant(seen)) return;
        if (isDeepStrictEqual(withDrift(seen.conditions, input.findings), seen.conditions)) return;
        await inTransaction(db, async (tx) => {
          const cluster = await lockCluster(tx, input.cluster);
          if (!isMeant(cluster)) return;
          await changeConditions(tx, cluster, withDrift(cluster.conditions, input.findings));
        });
      });
    },

    /** Records a build that was proved, with what is amiss all the same. */
    async finishBuild(input: {
      scope: OperationScope;
      steps: StepRecord[];
      report: VerifyReport;
      amiss?: Finding[];
    }): Promise<void> {
      const { scope, steps, report, amiss = [] } = input;
      return activity(() =>
        fenced(db, scope.operation, async (tx, cluster) => {
          await setVerifyReport(tx, cluster.name, report, scope.operation.epoch);
          const message = `proved by a job on ${report.hostnames.length} nodes and an MPI collective of ${report.mpi.ranks} ranks`;
          await becomeReady(tx, cluster, { reason: 'Verified', message }, amiss);
          await finishBuild(tx, scope.buildId, { outcome: 'succeeded', steps });
        }),
      );
    },

    /** Records a scale, repair, stop or start that has ended well, with what is amiss all the same. */
    async finishChange(input: {
      scope: OperationScope;
      steps: StepRecord[];
      phase: 'ready' | 'stopped';
      message: string;
      amiss?: Finding[];
    }): Promise<void> {
      const { scope, steps, phase, message, amiss = [] } = input;
      return activity(() =>
        fenced(db, scope.operation, async (tx, cluster) => {
          if (phase === 'ready')
            await becomeReady(tx, cluster, { reason: 'Changed', message }, amiss);
          else {
            const stopped = { status: false, reason: 'Stopped', message };
            const conditions = await conditionsWith(tx, cluster, stopped);
            await setPhase(tx, cluster.name, 'stopped', conditions);
          }
          await finishBuild(tx, scope.buildId, { outcome: 'succeeded', steps });
        }),
      );
    },

    /** Records an operation that failed or was cancelled. An abandoned plan is forgotten. */
    async closeBuild(input: {
      scope: OperationScope;
      outcome: 'failed' | 'cancelled';
      error: string;
      abandoned: boolean;
      steps: StepRecord[];
    }): Promise<void> {
      return activity(async () => {
        const { scope, outcome, error, abandoned, steps } = input;
        await finishBuild(db, scope.buildId, { outcome, error, steps });
        if (abandoned) return forget(db, scope.operation);
        return fenced(db, scope.operation, async (tx, cluster) => {
          const reason = outcome === 'failed' ? 'Failed' : 'Cancelled';
          const conditions = await conditionsWith(tx, cluster, {
            status: false,
            reason,
            message: error,
          });
          // A destroy that stopped half way leaves a cluster that can only be destroyed.
          const phase = cluster.phase === 'destroying' ? 'destroying' : outcome;
          await setPhase(tx, cluster.name, phase, conditions);
        });
      });
    },

    /**
     * Forgets a cluster that was destroyed; its history stays, with what is left of it at sites that
     * were given up, one sentence each.
     */
    async finishDestroy(input: {
      scope: OperationScope;
      steps: StepRecord[];
      left: string[];
    }): Promise<void> {
      return activity(async () => {
        const { scope, steps, left } = input;
        const error = left.length === 0 ? {} : { error: `left behind: ${left.join('; ')}` };
        await forget(db, scope.operation);
        await finishBuild(db, scope.buildId, { outcome: 'succeeded', ...error, steps });
      });
    },
  };
}

async function becomeReady(
  tx: Database,
  cluster: ClusterRecord,
  why: Pick<Condition, 'reason' | 'message'>,
  amiss: Finding[],
): Promise<void> {
  const vms = await listVms(tx, cluster.name);
  const ready = Object.fromEntries(vms.map((vm) => [vm.name, 'ready']));
  await setVmStates(tx, cluster.name, ready);
  const conditions = await conditionsWith(tx, cluster, { status: true, ...why });
  await setPhase(tx, cluster.name, 'ready', withDrift(conditions, amiss));
}

async function changeConditions(
  tx: Database,
  cluster: ClusterRecord,
  conditions: Condition[],
): Promise<void> {
  if (isDeepStrictEqual(conditions, cluster.conditions)) return;
  await setConditions(tx, cluster.name, conditions);
}

/** Deletes the operation's cluster, unless that has been done or a later operation has begun. */
async function forget(db: Database, operation: Operation): Promise<void> {
  const { cluster: name, clusterId: id } = operation.mark;
  if ((await findCluster(db, name))?.id !== id) return;
  await fenced(db, operation, (tx) => deleteCluster(tx, { name, id }));
}
