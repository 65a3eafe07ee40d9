import { readIfPresent, writeAtomically } from './files.ts';
import type { Home } from './home.ts';
import { withClient } from './postgres.ts';
import type { PostgresSettings } from './postgres-settings.ts';

/**
 * Copies the names of the registered sites into a file, where the site worker, which never touches
 * the database, learns which queues to serve. The file is written only when the list has changed.
 */
export async function refreshSiteList(home: Home, settings: PostgresSettings): Promise<void> {
  const names = await withClient(settings, async (client) => {
    const table = await client.query("select to_regclass('site') is not null as exists");
    if (!table.rows[0]?.exists) return [];
    const rows = await client.query<{ name: string }>('select name from site order by name');
    return rows.rows.map((row) => row.name);
  });
  const text = `${JSON.stringify(names)}\n`;
  if ((await readIfPresent(home.sitesFile)) !== text) await writeAtomically(home.sitesFile, text);
}
