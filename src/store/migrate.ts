import { Migrator } from 'kysely/migration';
import { closeDatabase, openDatabase, type DatabaseSettings } from './database.ts';
import { migrations } from './migrations/list.ts';

/** Longest single statement of a migration, ms. */
const statementTimeoutMs = 5 * 60_000;

/**
 * Brings the database to the newest schema. Safe to repeat, and for several workers at once: an
 * advisory lock lets one migrate while the others wait and then find nothing to do.
 *
 * @returns names of the migrations that were run.
 * @throws {Failure} Unreachable or AccessDenied; the migration's own error, with nothing changed.
 */
export async function migrateToLatest(settings: DatabaseSettings): Promise<string[]> {
  const db = openDatabase(settings, { max: 2, statementTimeoutMs });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
    const { error, results } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
    return (results ?? []).map((result) => result.migrationName);
  } finally {
    await closeDatabase(db);
  }
}
