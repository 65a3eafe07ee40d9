import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Logger } from 'pino';
import { siteNameSchema } from '../domain/names.ts';
import type { Home } from '../installation/home.ts';

const everyMs = 1_000;
const namesSchema = z.array(siteNameSchema);

/**
 * Tells which sites to serve, at once and whenever it changes: MVC_SITES (names with commas) if it
 * is set, else the list that the installation keeps of the registered sites.
 */
export function followSites(home: Home, serve: (sites: string[]) => void, log: Logger): () => void {
  const fixed = process.env['MVC_SITES'];
  if (fixed) {
    serve(namesSchema.parse(fixed.split(',').map((name) => name.trim())));
    return () => {};
  }
  const look = async () => {
    try {
      serve(namesSchema.parse(JSON.parse(await readFile(home.sitesFile, 'utf8'))));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      log.warn(
        { error: String(error) },
        `cannot read ${home.sitesFile}; the sites stay as they are`,
      );
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  void look();
  return () => clearInterval(timer);
}
