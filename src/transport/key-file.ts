import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Failure } from '../domain/failure.ts';

const maxBytes = 64 * 1024;

/**
 * Reads a private key file, if it is one that only we can read.
 *
 * @throws {Failure} AccessDenied.
 */
export async function readKeyFile(path: string): Promise<string> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    throw refused(path, `cannot be read (${(error as NodeJS.ErrnoException).code})`, error);
  }
  try {
    // The opened file is looked at, not the name, which could lead elsewhere a moment later.
    const stat = await file.stat();
    if (!stat.isFile()) throw refused(path, 'is not a regular file');
    if (stat.uid !== process.getuid?.()) throw refused(path, 'belongs to another account');
    if ((stat.mode & 0o077) !== 0) throw refused(path, 'can be read by other accounts');
    if (stat.size > maxBytes) throw refused(path, 'is too long to be a key');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function refused(path: string, why: string, cause?: unknown): Failure {
  return new Failure('AccessDenied', `the private key ${path} ${why}`, {
    cause,
    help: 'it must be a regular file of the worker’s account with mode 0600',
  });
}
