import type { StepRecord, VerifyReport } from '../../domain/cluster.ts';
import type { ImageRef } from '../../domain/image.ts';
import type { Operation } from '../../domain/mark.ts';
import type { OperationScope } from '../../domain/operation.ts';
import { finishBuild } from '../../store/builds.ts';
import { deleteCluster, setImage, setPhase, setVerifyReport } from '../../store/clusters.ts';
import { findSite } from '../../store/sites.ts';
import { listVms, setVmStates } from '../../store/vms.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';
import { insecurity } from './plan.ts';
import { clusterOf } from './shares.ts';

/** Stands for the image at sites that exist in memory only. */
const memoryImage: ImageRef = { digest: '1'.repeat(64), size: 1, path: '/dev/null' };

/** Activities that record how an operation went, and build the image. */
export function createRecordActivities(dependencies: ControlDependencies) {
  const { db } = dependencies;
  return {
    /** The node image with these rolls: built from packages, or found built. */
    async nodeImage(input: { operation: Operation; rolls: string[] }): Promise<ImageRef> {
      return activity(async ({ signal, progress }) => {
        const cluster = await clusterOf(db, input.operation);
        const sites = await Promise.all(cluster.spec.sites.map((site) => findSite(db, site.name)));
        const image = sites.every((found) => found?.site.kind === 'memory')
          ? memoryImage
          : await dependencies.buildImage({
              rolls: input.rolls,
              signal,
              onProgress: (note) => progress({ note }),
            });
        await setImage(db, cluster.name, image, input.operation.epoch);
        return image;
      });
    },

    async recordVmStates(input: {
      operation: Operation;
      states: Record<string, string>;
    }): Promise<void> {
      return activity(() => setVmStates(db, input.operation.mark.cluster, input.states));
    },

    async finishBuild(input: {
      scope: OperationScope;
      steps: StepRecord[];
      report: VerifyReport;
    }): Promise<void> {
      return activity(async () => {
        const { operation, buildId } = input.scope;
        const cluster = await clusterOf(db, operation);
        const vms = await listVms(db, cluster.name);
        await setVmStates(
          db,
          cluster.name,
          Object.fromEntries(vms.map((vm) => [vm.name, 'ready'])),
        );
        await setVerifyReport(db, cluster.name, input.report, operation.epoch);
        const ready = {
          type: 'Ready',
          status: true,
          reason: 'Verified',
          message: `proved by a job on ${input.report.hostnames.length} nodes and an MPI collective of ${input.report.mpi.ranks} ranks`,
        } as const;
        await setPhase(
          db,
          cluster.name,
          'ready',
          [ready, ...(await insecurity(db, cluster.name))],
          operation.epoch,
        );
        await finishBuild(db, buildId, { outcome: 'succeeded', steps: input.steps });
      });
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
        const { operation, buildId } = input.scope;
        const { cluster, clusterId } = operation.mark;
        await finishBuild(db, buildId, {
          outcome: input.outcome,
          error: input.error,
          steps: input.steps,
        });
        if (input.abandoned) {
          await deleteCluster(db, { name: cluster, id: clusterId });
          return;
        }
        const record = await clusterOf(db, operation);
        // A destroy that stopped half way leaves a cluster that can only be destroyed.
        const phase = record.phase === 'destroying' ? 'destroying' : input.outcome;
        const condition = {
          type: 'Ready',
          status: false,
          reason: input.outcome === 'failed' ? 'Failed' : 'Cancelled',
          message: input.error,
        } as const;
        await setPhase(
          db,
          cluster,
          phase,
          [condition, ...(await insecurity(db, cluster))],
          operation.epoch,
        );
      });
    },

    /** Forgets a cluster of which nothing is left at any site. Its history stays. */
    async finishDestroy(input: { scope: OperationScope; steps: StepRecord[] }): Promise<void> {
      return activity(async () => {
        const { cluster, clusterId } = input.scope.operation.mark;
        await finishBuild(db, input.scope.buildId, { outcome: 'succeeded', steps: input.steps });
        await deleteCluster(db, { name: cluster, id: clusterId });
      });
    },
  };
}
