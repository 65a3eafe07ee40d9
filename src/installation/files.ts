import { randomBytes } from 'node:crypto';
import { chmod, link, readFile, rename, rm, writeFile } from 'node:fs/promises';

/** Replaces a file in one step: a reader sees the old text or the new one, never half of it. */
export async function writeAtomically(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, path);
}

/** The text of a file, or undefined if there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Makes a file exactly once, also when two processes try at the same time: the first one's
 * content stays, and both get it.
 */
export async function createOnce(path: string, content: () => Buffer): Promise<Buffer> {
  const existing = await readFile(path).catch(missingAsUndefined);
  if (existing) return existing;
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(temporary, content(), { mode: 0o600 });
  await chmod(temporary, 0o600);
  try {
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return await readFile(path);
}

/** For `.catch()`: a missing file or process is an answer, everything else an error. */
export function missingAsUndefined(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR';
}
