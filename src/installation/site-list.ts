import { readIfPresent, writeAtomically } from './files.ts';
import type { Home } from './home.ts';
import { withClient } from './postgres.ts';
import type { DatabaseSettings } from '../store/database.ts';

const everyMs = 2_000;

/**
 * Copies the names of the registered sites into a file, where a site worker of the same MVC_HOME,
 * which never touches the database, learns which queues to serve.
 *
 * @param tell of looks that failed; the next one follows.
 * @returns what ends it.
 */
export function keepSiteList(
  home: Home,
  settings: DatabaseSettings,
  tell: (message: string) => void,
): () => void {
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      await refreshSiteList(home, settings);
    } catch (error) {
      tell(`list of sites: ${String(error)}`);
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  void look();
  return () => clearInterval(timer);
}

/** The file is written only when the list has changed. */
async function refreshSiteList(home: Home, settings: DatabaseSettings): Promise<void> {
  const names = await withClient(settings, async (client) => {
    const table = await client.query("select to_regclass('site') is not null as exists");
    if (!table.rows[0]?.exists) return [];
    const rows = await client.query<{ name: string }>('select name from site order by name');
    return rows.rows.map((row) => row.name);
  });
  const text = `${JSON.stringify(names)}\n`;
  if ((await readIfPresent(home.sitesFile)) !== text) await writeAtomically(home.sitesFile, text);
}
