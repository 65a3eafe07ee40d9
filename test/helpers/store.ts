import { sql } from 'kysely';
import type { Database } from '../../src/store/database.ts';
import { insertPendingSite, markSiteReady } from '../../src/store/sites.ts';
import { factsOf, memorySite } from './plans.ts';

/** Empties every table. */
export async function wipe(db: Database): Promise<void> {
  await sql`TRUNCATE site, cluster, build, secret CASCADE`.execute(db);
}

export async function registerSites(db: Database, names: string[]): Promise<void> {
  for (const name of names) {
    const site = memorySite(name);
    await insertPendingSite(db, site);
    await markSiteReady(db, name, factsOf(site));
  }
}
