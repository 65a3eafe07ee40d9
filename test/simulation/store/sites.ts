import { Failure } from '../../../src/domain/failure.ts';
import type { Site, SiteFacts } from '../../../src/domain/site.ts';
import type { Database } from '../../../src/store/database.ts';
import type { SiteRecord } from '../../../src/store/sites.ts';
import { call, withoutRow, withRow, type Tables } from './tables.ts';

export async function insertPendingSite(db: Database, site: Site): Promise<void> {
  await call(db, 'insertPendingSite', (tables) => {
    if (tables.sites.has(site.name)) return;
    const row: SiteRecord = { site, state: 'pending', createdAt: Date.now() };
    tables.sites = withRow(tables.sites, site.name, row);
  });
}

export async function replaceSite(db: Database, site: Site, facts: SiteFacts): Promise<void> {
  await call(db, 'replaceSite', (tables) =>
    change(tables, site.name, { site, facts, factsAt: Date.now(), state: 'ready' }),
  );
}

export async function markSiteReady(db: Database, name: string, facts: SiteFacts): Promise<void> {
  await call(db, 'markSiteReady', (tables) =>
    change(tables, name, { facts, factsAt: Date.now(), state: 'ready' }),
  );
}

export async function recordFacts(db: Database, name: string, facts: SiteFacts): Promise<void> {
  await call(db, 'recordFacts', (tables) => change(tables, name, { facts, factsAt: Date.now() }));
}

export async function findSite(db: Database, name: string): Promise<SiteRecord | undefined> {
  return call(db, 'findSite', (tables) => tables.sites.get(name));
}

export async function listSites(db: Database): Promise<SiteRecord[]> {
  return call(db, 'listSites', (tables) =>
    [...tables.sites.values()].toSorted((a, b) => (a.site.name < b.site.name ? -1 : 1)),
  );
}

export async function removeSite(db: Database, name: string): Promise<boolean> {
  return call(db, 'removeSite', (tables) => {
    const had = tables.sites.has(name);
    tables.sites = withoutRow(tables.sites, name);
    return had;
  });
}

function change(tables: Tables, name: string, changes: Partial<SiteRecord>): void {
  const row = tables.sites.get(name);
  if (!row) throw new Failure('NotFound', `site ${name} is not registered`);
  tables.sites = withRow(tables.sites, name, { ...row, ...changes });
}
