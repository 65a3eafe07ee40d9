import { Failure } from '../../domain/failure.ts';
import type { Operation } from '../../domain/mark.ts';
import type { FrontendShare, SiteShare } from '../../domain/operation.ts';
import type { Edge, OverlayTable, Peer } from '../../domain/overlay.ts';
import type { Site } from '../../domain/site.ts';
import { domainName, imageNotBuilt, type VmDefinition } from '../../domain/vm.ts';
import { isStaying, isToRun } from '../../domain/vm-state.ts';
import { clusterReplaced, findCluster, type ClusterRecord } from '../../store/clusters.ts';
import type { Database } from '../../store/database.ts';
import { findOverlay } from '../../store/overlays.ts';
import { findSite } from '../../store/sites.ts';
import { listVms, type VmRecord } from '../../store/vms.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';

/** Activities that hand out what the sites' activities need to know, since those never see the store. */
export function createShareActivities({ db }: ControlDependencies) {
  return {
    /** Also of a site that the spec has no more, as long as VMs are leaving it. */
    async siteShare(input: { operation: Operation; site: string }): Promise<SiteShare> {
      return activity(async () => {
        const cluster = await clusterOf(db, input.operation);
        const overlay = await overlayOf(db, cluster.name);
        const vms = await listVms(db, cluster.name, input.site);
        const staying = new Set(vms.filter(isStaying).map((vm) => vm.name));
        const define = (wanted: VmRecord[]) =>
          wanted.map((vm) => definitionOf(cluster, vm, overlay.edges));
        return {
          site: await siteOf(db, input.site),
          operation: input.operation,
          isOrigin: cluster.spec.origin === input.site,
          vms: define(vms.filter(isToRun)),
          stopped: define(vms.filter((vm) => vm.state === 'stopped')),
          leaving: define(vms.filter((vm) => vm.state === 'leaving')),
          changed: vms.filter((vm) => vm.state === 'changed').map((vm) => vm.name),
          table: {
            ...overlay,
            edges: overlay.edges.filter((edge) => staying.has(edge.vm)),
            ...(overlay.peers
              ? { peers: await stayingPeers(db, cluster.name, overlay.peers) }
              : {}),
          },
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
        const computes = vms.filter((vm) => vm.role === 'compute');
        return {
          site: await siteOf(db, frontend.site),
          frontend: planned,
          computes: computes.filter(isToRun).map(({ name, site }) => ({ name, site })),
          leaving: computes.filter((vm) => !isToRun(vm)).map((vm) => vm.name),
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
  throw clusterReplaced(operation);
}

export async function siteOf(db: Database, name: string): Promise<Site> {
  const found = await findSite(db, name);
  if (found) return found.site;
  throw new Failure('NotFound', `site ${name} is no longer registered`);
}

async function overlayOf(db: Database, cluster: string): Promise<OverlayTable> {
  const table = await findOverlay(db, cluster);
  if (table) return table;
  throw new Failure('NotFound', `cluster ${cluster} has no overlay in the store`);
}

/** The VM containers that every other one must know, with the VMs that stay there. */
async function stayingPeers(db: Database, cluster: string, peers: Peer[]): Promise<Peer[]> {
  const staying = new Set((await listVms(db, cluster)).filter(isStaying).map((vm) => vm.address));
  return peers
    .map((peer) => ({ ...peer, vms: peer.vms.filter(({ address }) => staying.has(address)) }))
    .filter(({ vms }) => vms.length > 0);
}

function definitionOf(cluster: ClusterRecord, vm: VmRecord, edges: Edge[]): VmDefinition {
  const { state: _state, ...planned } = vm;
  return {
    ...planned,
    domain: domainName(cluster.name, vm.name),
    bridge: edges.find((edge) => edge.vm === vm.name)?.bridge ?? '',
    mtu: cluster.mtu,
    image: cluster.image?.digest ?? imageNotBuilt,
  };
}
