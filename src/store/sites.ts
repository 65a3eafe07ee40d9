import { isDeepStrictEqual } from 'node:util';
import { sql, type Selectable } from 'kysely';
import { Failure } from '../domain/failure.ts';
import { siteFactsSchema, siteSchema, type Site, type SiteFacts } from '../domain/site.ts';
import type { Database } from './database.ts';
import { normalized, toJson } from './json.ts';
import type { Schema } from './schema.ts';
import { inTransaction, violationOf } from './transaction.ts';

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

/**
 * Puts a new definition in the place of a registered one, with what the site answered under it.
 * Safe to repeat.
 *
 * @throws {Failure} NotFound; Conflict with the clusters that use a VM container that would go.
 */
export async function replaceSite(db: Database, site: Site, facts: SiteFacts): Promise<void> {
  try {
    await inTransaction(db, async (tx) => {
      const result = await tx
        .updateTable('site')
        .set({ kind: site.kind, definition: toJson(site), ...readyWith(facts) })
        .where('name', '=', site.name)
        .executeTakeFirstOrThrow();
      if (result.numUpdatedRows === 0n) throw siteNotFound(site.name);
      await replaceContainers(tx, site);
    });
  } catch (error) {
    const violation = violationOf(error);
    if (violation?.constraint !== 'vm_container_fkey') throw error;
    const users = (await clustersAt(db, site.name)).join(', ');
    throw new Failure(
      'Conflict',
      `VM container ${violation.values[1]} of site ${site.name} is in use, and the new definition has it no more (clusters at the site: ${users})`,
      { help: 'keep it in the definition until those clusters are destroyed', cause: error },
    );
  }
}

async function replaceContainers(tx: Database, site: Site): Promise<void> {
  const rows = containerRows(site);
  await tx
    .deleteFrom('vm_container')
    .where('site', '=', site.name)
    .where(
      'name',
      'not in',
      rows.map((row) => row.name),
    )
    .execute();
  await tx
    .insertInto('vm_container')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['site', 'name']).doUpdateSet((excluded) => ({
        address: excluded.ref('excluded.address'),
        port: excluded.ref('excluded.port'),
      })),
    )
    .execute();
}

/** @throws {Failure} NotFound if the site is not registered. */
export async function markSiteReady(db: Database, name: string, facts: SiteFacts): Promise<void> {
  await update(db, name, readyWith(facts));
}

/** @throws {Failure} NotFound if the site is not registered. */
export async function recordFacts(db: Database, name: string, facts: SiteFacts): Promise<void> {
  await update(db, name, said(facts));
}

function said(facts: SiteFacts) {
  return { facts: toJson(facts), facts_at: sql<Date>`now()` };
}

function readyWith(facts: SiteFacts) {
  return { state: 'ready' as const, ...said(facts) };
}

async function update(
  db: Database,
  name: string,
  change: ReturnType<typeof said> | ReturnType<typeof readyWith>,
): Promise<void> {
  const result = await db
    .updateTable('site')
    .set(change)
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
