import { overlaps, parseRange } from '../../../src/domain/address.ts';
import { domainName } from '../../../src/domain/vm.ts';
import type { Tables } from './tables.ts';

export interface BrokenConstraint {
  constraint: string;
  values: string[];
}

/** What the database promises: the first constraint that the rows break, by its name there. */
export function brokenConstraint(tables: Tables): BrokenConstraint | undefined {
  const unique = new Unique();
  const clusters = [...tables.clusters.values()];
  for (const [index, cluster] of clusters.entries()) {
    unique.add('cluster_id_key', cluster.id);
    const range = parseRange(cluster.network);
    if (clusters.slice(index + 1).some((other) => overlaps(parseRange(other.network), range))) {
      return { constraint: 'cluster_network_overlap', values: [cluster.network] };
    }
    const sites = Object.keys(tables.clusterSites.get(cluster.name) ?? {});
    const missing = sites.find((site) => !tables.sites.has(site));
    if (missing) return { constraint: 'cluster_site_site_fkey', values: [missing] };
  }
  for (const [cluster, vms] of tables.vms) {
    if (!tables.clusters.has(cluster)) {
      return { constraint: 'vm_cluster_site_fkey', values: [cluster] };
    }
    for (const { vm, position } of vms) {
      unique.add('vm_position_key', cluster, String(position));
      unique.add('vm_pkey', cluster, vm.name);
      if (tables.clusterSites.get(cluster)?.[vm.site] === undefined) {
        return { constraint: 'vm_cluster_site_fkey', values: [cluster, vm.site] };
      }
      unique.add('network_interface_pkey', vm.mac);
      unique.add('network_interface_overlay_address', vm.address);
      unique.add('vm_domain_key', vm.site, domainName(cluster, vm.name));
      if (vm.role === 'frontend') unique.add('vm_one_frontend', cluster);
      if (vm.siteInterface) {
        unique.add('network_interface_pkey', vm.siteInterface.mac);
        unique.add('network_interface_site_address', vm.site, vm.siteInterface.address);
      }
    }
  }
  for (const [cluster, overlay] of tables.overlays) {
    unique.add('overlay_community_key', overlay.community);
    const { supernode } = overlay;
    if (supernode) unique.add('udp_port_pkey', supernode.site, String(supernode.port));
    const vms = tables.vms.get(cluster) ?? [];
    for (const edge of tables.edges.get(cluster) ?? []) {
      if (!vms.some(({ vm }) => vm.name === edge.vm)) {
        return { constraint: 'edge_vm_fkey', values: [cluster, edge.vm] };
      }
      unique.add('udp_port_pkey', edge.site, String(edge.udpPort));
      unique.add('edge_tap_key', edge.site, edge.container, edge.tap);
      unique.add('edge_bridge_key', edge.site, edge.container, edge.bridge);
    }
  }
  const runs = tables.builds.map((build) => build.runId);
  for (const run of runs) unique.add('build_run_id_key', run);
  return unique.broken;
}

class Unique {
  broken: BrokenConstraint | undefined;
  private readonly seen = new Set<string>();

  add(constraint: string, ...values: string[]): void {
    const key = `${constraint} ${values.join('/')}`;
    if (this.seen.has(key)) this.broken ??= { constraint, values };
    this.seen.add(key);
  }
}
