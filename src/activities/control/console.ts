import { Failure } from '../../domain/failure.ts';
import type { Operation } from '../../domain/mark.ts';
import type { Site } from '../../domain/site.ts';
import { clusterNotFound, findCluster } from '../../store/clusters.ts';
import { listVms } from '../../store/vms.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';
import { siteOf } from './shares.ts';

/** Where a VM is, and in whose name its site is asked. */
export interface VmLocation {
  site: Site;
  operation: Operation;
  container: string;
}

export function createConsoleActivities({ db }: Pick<ControlDependencies, 'db'>) {
  return {
    /** Finds a VM of a recorded cluster. To look needs no operation of its own: that of the last one is lent. */
    async locateVm(input: { cluster: string; vm: string }): Promise<VmLocation> {
      return activity(async () => {
        const cluster = await findCluster(db, input.cluster);
        if (!cluster) throw clusterNotFound(input.cluster);
        const vms = await listVms(db, cluster.name);
        const vm = vms.find((each) => each.name === input.vm);
        if (!vm) throw noSuchVm(input, vms);
        const { name, id: clusterId, installation, epoch } = cluster;
        return {
          site: await siteOf(db, vm.site),
          operation: {
            mark: { installation, cluster: name, clusterId },
            epoch: Math.max(1, epoch),
          },
          container: vm.container,
        };
      });
    },
  };
}

function noSuchVm(asked: { cluster: string; vm: string }, vms: { name: string }[]): Failure {
  const names = vms.map((each) => each.name);
  const known = names.length > 20 ? [...names.slice(0, 20), '…'] : names;
  return new Failure('NotFound', `cluster ${asked.cluster} has no VM ${asked.vm}`, {
    help: `its VMs are ${known.join(', ')}`,
  });
}
