import type { Ledger } from '../../../src/domain/plan-input.ts';
import { portsOf } from '../../../src/domain/overlay.ts';
import type { Database } from '../../../src/store/database.ts';
import { call, type Tables } from './tables.ts';

export async function readLedger(db: Database, sites: string[]): Promise<Ledger> {
  return call(db, 'readLedger', (tables) => ({
    networks: [...tables.clusters.values()].map((cluster) => cluster.network).sort(),
    macs: vmsOf(tables)
      .flatMap((vm) => [vm.mac, ...(vm.siteInterface ? [vm.siteInterface.mac] : [])])
      .sort(),
    ports: Object.fromEntries(sites.map((site) => [site, portsAt(tables, site)])),
    siteAddresses: Object.fromEntries(sites.map((site) => [site, addressesAt(tables, site)])),
  }));
}

function vmsOf(tables: Tables) {
  return [...tables.vms.values()].flatMap((rows) => rows.map((row) => row.vm));
}

function portsAt(tables: Tables, site: string): number[] {
  const overlays = [...tables.overlays].map(([cluster, overlay]) => ({
    ...overlay,
    edges: tables.edges.get(cluster) ?? [],
  }));
  return overlays
    .flatMap(portsOf)
    .flatMap((each) => (each.site === site ? [each.port] : []))
    .sort((a, b) => a - b);
}

function addressesAt(tables: Tables, site: string): string[] {
  return vmsOf(tables)
    .flatMap((vm) => (vm.site === site && vm.siteInterface ? [vm.siteInterface.address] : []))
    .sort();
}
