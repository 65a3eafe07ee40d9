import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** A migration of plain SQL, one statement after the other in the migrator's transaction. */
export function statements(...texts: string[]): Migration {
  return {
    up: async (db) => {
      for (const text of texts) await sql.raw(text).execute(db);
    },
  };
}
