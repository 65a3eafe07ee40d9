import { sql, type Selectable } from 'kysely';
import { Failure } from '../domain/failure.ts';
import { siteFactsSchema, siteSchema, type Site, type SiteFacts } from '../domain/site.ts';
import type { Database } from './database.ts';
import { normalized, toJson } from './json.ts';
import type { Schema } from './schema.ts';
import { inTransaction, violationOf } from './transaction.ts';
import { isDeepStrictEqual } from 'node:util';

/** A site as registered. Times in milliseconds since 1970. */
export interface SiteRecord {
  site: Site;
  /** `pending` until it answered for the first time. */
  state: 'pending' | 'ready';
  facts?: SiteFacts;
  factsAt?: number;
  createdAt: number;
}

/**
 * Records a site before it is asked for the first time. Safe to repeat while it is pending.
 *
 * @throws {Failure} Conflict if the name is taken.
 */
export async function insertPendingSite(db: Database, site: Site): Promise<void> {
  await inTransaction(db, async (tx) => {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('site')
      .values({ name: site.name, kind: site.kind, definition: toJson(site), state: 'pending' })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 1n) {
      await tx.insertInto('vm_container').values(containerRows(site)).execute();
      return;
    }
    const existing = await findSite(tx, site.name);
    const same = isDeepStrictEqual(normalized(existing?.site), normalized(site));
    if (existing?.state === 'pending' && same) return;
    throw new Failure('Conflict', `a site named ${site.name} is already registered`, {
      help: `choose another name, or \`mvc site remove ${site.name}\` first`,
    });
  });
}

function containerRows(site: Site) {
  return site.containers.map((container) => ({
    site: site.name,
    name: container.name,
    address: 'address' in container ? container.address : null,
    port: 'port' in container ? container.port : null,
  }));
}

/** @throws {Failure} NotFound if the site is not registered. */
export async function markSiteReady(db: Database, name: string, facts: SiteFacts): Promise<void> {
  await updateFacts(db, name, facts, { state: 'ready' });
}

/** @throws {Failure} NotFound if the site is not registered. */
export async function recordFacts(db: Database, name: string, facts: SiteFacts): Promise<void> {
  await updateFacts(db, name, facts, {});
}

async function updateFacts(
  db: Database,
  name: string,
  facts: SiteFacts,
  change: { state?: 'ready' },
): Promise<void> {
  const result = await db
    .updateTable('site')
    .set({ ...change, facts: toJson(facts), facts_at: sql<Date>`now()` })
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  if (result.numUpdatedRows === 0n) throw siteNotFound(name);
}

export async function findSite(db: Database, name: string): Promise<SiteRecord | undefined> {
  const row = await db.selectFrom('site').selectAll().where('name', '=', name).executeTakeFirst();
  return row && siteOf(row);
}

/** All sites, by name. */
export async function listSites(db: Database): Promise<SiteRecord[]> {
  const rows = await db.selectFrom('site').selectAll().orderBy('name').execute();
  return rows.map(siteOf);
}

/**
 * Forgets a site and its secrets; nothing is done at the site. Safe to repeat.
 *
 * @returns false if there was none.
 * @throws {Failure} Conflict with the clusters that use it.
 */
export async function removeSite(db: Database, name: string): Promise<boolean> {
  try {
    const result = await db.deleteFrom('site').where('name', '=', name).executeTakeFirstOrThrow();
    return result.numDeletedRows > 0n;
  } catch (error) {
    if (!violationOf(error)) throw error;
    const users = await clustersAt(db, name);
    throw new Failure('Conflict', `site ${name} is in use by ${users.join(', ') || 'a cluster'}`, {
      help: users.map((cluster) => `\`mvc destroy ${cluster}\``).join(', ') + ' first',
      cause: error,
    });
  }
}

/** Names of the clusters that use a site. */
export async function clustersAt(db: Database, site: string): Promise<string[]> {
  const rows = await db
    .selectFrom('cluster_site')
    .select('cluster')
    .where('site', '=', site)
    .orderBy('cluster')
    .execute();
  return rows.map((row) => row.cluster);
}

function siteNotFound(name: string): Failure {
  return new Failure('NotFound', `site ${name} is not registered`, {
    help: '`mvc site list` shows the registered sites',
  });
}

function siteOf(row: Selectable<Schema['site']>): SiteRecord {
  return {
    site: siteSchema.parse(row.definition),
    state: row.state,
    ...(row.facts === null ? {} : { facts: siteFactsSchema.parse(row.facts) }),
    ...(row.facts_at === null ? {} : { factsAt: row.facts_at.getTime() }),
    createdAt: row.created_at.getTime(),
  };
}
