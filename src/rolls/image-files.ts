import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { file, type TarEntry } from './tar.ts';

/**
 * The files of a roll that are alike for all clusters: `files/<roll>` as it lies here is laid over
 * the root of the image. Scripts are executable there if they are executable here.
 */
export function imageFiles(roll: string): TarEntry[] {
  const base = join(import.meta.dirname, 'files', roll);
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .toSorted()
    .map((path) => {
      const mode = statSync(path).mode & 0o100 ? 0o755 : 0o644;
      return file(relative(base, path), readFileSync(path), { mode });
    });
}
