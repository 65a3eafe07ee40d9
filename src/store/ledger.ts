import type { Ledger } from '../domain/plan-input.ts';
import type { Database } from './database.ts';

/** What all clusters use, as far as a plan for these sites must know it. */
export async function readLedger(db: Database, sites: string[]): Promise<Ledger> {
  const ledger: Ledger = {
    networks: await usedNetworks(db),
    macs: await usedMacs(db),
    ports: {},
    siteAddresses: {},
  };
  for (const site of sites) {
    ledger.ports[site] = await usedPorts(db, site);
    ledger.siteAddresses[site] = await usedSiteAddresses(db, site);
  }
  return ledger;
}

/** CIDRs. */
export async function usedNetworks(db: Database): Promise<string[]> {
  const rows = await db.selectFrom('cluster').select('network').orderBy('network').execute();
  return rows.map((row) => row.network);
}

/** MACs of all interfaces of all clusters at all sites. */
export async function usedMacs(db: Database): Promise<string[]> {
  const rows = await db.selectFrom('network_interface').select('mac').orderBy('mac').execute();
  return rows.map((row) => row.mac);
}

/** UDP ports of edges and supernodes. */
export async function usedPorts(db: Database, site: string): Promise<number[]> {
  const query = db.selectFrom('udp_port').select('port').where('site', '=', site);
  return (await query.orderBy('port').execute()).map((row) => row.port);
}

/** Addresses in the site's own network. */
export async function usedSiteAddresses(db: Database, site: string): Promise<string[]> {
  const rows = await db
    .selectFrom('network_interface')
    .select('address')
    .where('site', '=', site)
    .where('kind', '=', 'site')
    .orderBy('address')
    .execute();
  return rows.map((row) => row.address);
}
