import { sql } from 'kysely';
import type { Database } from './database.ts';
import { migrations } from './migrations/list.ts';

/** What the database's server says of itself, and how its schema differs from this program's. */
export interface ServerFacts {
  version: string;
  /** Its clock, milliseconds since 1970. */
  now: number;
  /** Migrations of this program that were not run there. */
  pending: string[];
  /** Migrations that were run there and that this program does not know. */
  unknown: string[];
}

export async function readServerFacts(db: Database): Promise<ServerFacts> {
  const { rows } = await sql<{ version: string; now: Date; migrated: boolean }>`
    SELECT current_setting('server_version') AS version, clock_timestamp() AS now,
      to_regclass('kysely_migration') IS NOT NULL AS migrated`.execute(db);
  const [server] = rows;
  if (!server) throw new Error('the database answered nothing');
  const done = server.migrated ? await migrationsDone(db) : [];
  const known = Object.keys(migrations);
  return {
    version: server.version,
    now: server.now.getTime(),
    pending: known.filter((name) => !done.includes(name)),
    unknown: done.filter((name) => !known.includes(name)),
  };
}

async function migrationsDone(db: Database): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`SELECT name FROM kysely_migration`.execute(db);
  return rows.map((row) => row.name);
}
