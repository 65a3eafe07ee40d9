import type { ClusterPhase } from '../../domain/cluster.ts';
import { sitesOf } from '../../store/changes.ts';
import { listClusters, raiseEpochAbove } from '../../store/clusters.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';

/** A recorded cluster, as far as looking after the sites needs it. */
export interface ListedCluster {
  name: string;
  id: string;
  epoch: number;
  phase: ClusterPhase;
  /** Those too that its last VMs are still leaving. */
  sites: string[];
}

/** Activities about all clusters of this installation. */
export function createClusterActivities({ db, installation }: ControlDependencies) {
  return {
    async listClusters(): Promise<{ installation: string; clusters: ListedCluster[] }> {
      return activity(async () => {
        const clusters: ListedCluster[] = [];
        for (const { name, id, epoch, phase, spec } of await listClusters(db)) {
          clusters.push({ name, id, epoch, phase, sites: await sitesOf(db, spec) });
        }
        return { installation, clusters };
      });
    },

    /** The cluster's epoch, which is higher than what a site has seen from now on. */
    async raiseEpoch(input: {
      cluster: string;
      clusterId: string;
      atLeast: number;
    }): Promise<number> {
      const { cluster, clusterId, atLeast } = input;
      return activity(() => raiseEpochAbove(db, { name: cluster, id: clusterId }, atLeast));
    },
  };
}
