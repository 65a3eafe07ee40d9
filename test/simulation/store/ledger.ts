import type { Ledger } from '../../../src/domain/plan-input.ts';
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
  const supernodes = [...tables.overlays.values()].flatMap(({ supernode }) =>
    supernode?.site === site ? [supernode.port] : [],
  );
  const edges = [...tables.edges.values()].flat().filter((edge) => edge.site === site);
  return [...supernodes, ...edges.map((edge) => edge.udpPort)].sort((a, b) => a - b);
}

function addressesAt(tables: Tables, site: string): string[] {
  return vmsOf(tables)
    .flatMap((vm) => (vm.site === site && vm.siteInterface ? [vm.siteInterface.address] : []))
    .sort();
}
