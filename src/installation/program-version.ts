import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programRoot } from './home.ts';

/**
 * Which program this is: the digest of all its code and of the versions of its packages. A worker that
 * says another one than the checkout was started before the checkout changed.
 */
export async function programVersion(root = programRoot): Promise<string> {
  const names = await readdir(join(root, 'src'), { recursive: true });
  const code = names.filter((name) => name.endsWith('.ts')).map((name) => join('src', name));
  const hash = createHash('sha256');
  for (const file of [...code.sort(), 'package-lock.json']) {
    hash.update(file).update(await readFile(join(root, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
