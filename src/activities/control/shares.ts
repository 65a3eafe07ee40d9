import { Failure } from '../../domain/failure.ts';
import type { Operation } from '../../domain/mark.ts';
import type { FrontendShare, SiteShare } from '../../domain/operation.ts';
import type { Edge, OverlayTable } from '../../domain/overlay.ts';
import type { Site } from '../../domain/site.ts';
import { domainName, imageNotBuilt, type VmDefinition } from '../../domain/vm.ts';
import { findCluster, type ClusterRecord } from '../../store/clusters.ts';
import type { Database } from '../../store/database.ts';
import { findOverlay, listEdges } from '../../store/overlays.ts';
import { findSite } from '../../store/sites.ts';
import { listVms } from '../../store/vms.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';

/** Activities that hand out what the sites' activities need to know, since those never see the store. */
export function createShareActivities({ db }: ControlDependencies) {
  return {
    async siteShare(input: { operation: Operation; site: string }): Promise<SiteShare> {
      return activity(async () => {
        const cluster = await clusterOf(db, input.operation);
        const table = await overlayOf(db, cluster.name, input.site);
        return {
          site: await siteOf(db, input.site),
          operation: input.operation,
          isOrigin: cluster.spec.origin === input.site,
          vms: await definitions(db, cluster, input.site, table.edges),
          table,
        };
      });
    },

    async frontendShare(input: { operation: Operation }): Promise<FrontendShare> {
      return activity(async () => {
        const cluster = await clusterOf(db, input.operation);
        const vms = await listVms(db, cluster.name);
        const frontend = vms.find((vm) => vm.role === 'frontend');
        if (!frontend)
          throw new Failure('NotFound', `cluster ${cluster.name} has no frontend VM in the store`);
        const { state: _state, ...planned } = frontend;
        return {
          site: await siteOf(db, frontend.site),
          frontend: planned,
          computes: vms.flatMap((vm) =>
            vm.role === 'compute' ? [{ name: vm.name, site: vm.site }] : [],
          ),
          mtu: cluster.mtu,
        };
      });
    },
  };
}

/** @throws {Failure} NotFound if the cluster is gone, or another one has its name. */
export async function clusterOf(db: Database, operation: Operation): Promise<ClusterRecord> {
  const cluster = await findCluster(db, operation.mark.cluster);
  if (cluster?.id === operation.mark.clusterId) return cluster;
  throw new Failure(
    'NotFound',
    `cluster ${operation.mark.cluster} (${operation.mark.clusterId}) is no longer recorded`,
  );
}

export async function siteOf(db: Database, name: string): Promise<Site> {
  const found = await findSite(db, name);
  if (found) return found.site;
  throw new Failure('NotFound', `site ${name} is no longer registered`);
}

async function overlayOf(db: Database, cluster: string, site: string): Promise<OverlayTable> {
  const table = await findOverlay(db, cluster);
  if (!table) throw new Failure('NotFound', `cluster ${cluster} has no overlay in the store`);
  const edges = (await listEdges(db, cluster)).filter((edge) => edge.site === site);
  return { ...table, edges };
}

async function definitions(
  db: Database,
  cluster: ClusterRecord,
  site: string,
  edges: Edge[],
): Promise<VmDefinition[]> {
  const vms = await listVms(db, cluster.name, site);
  return vms.map(({ state: _state, ...vm }) => ({
    ...vm,
    domain: domainName(cluster.name, vm.name),
    bridge: edges.find((edge) => edge.vm === vm.name)?.bridge ?? '',
    mtu: cluster.mtu,
    image: cluster.image?.digest ?? imageNotBuilt,
  }));
}
