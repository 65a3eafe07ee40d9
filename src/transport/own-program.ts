import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** Where the program is that runs here; by it, it starts itself in another way. */
export function ownProgram(): string {
  return process.argv[1] ?? '';
}

/** SHA-256 of what is there now, as hexadecimal digits: since this program was started it may have been replaced. */
export async function ownProgramDigest(): Promise<string> {
  return createHash('sha256')
    .update(await readFile(ownProgram()))
    .digest('hex');
}

/** Changes when the program is replaced; cheap to ask again and again. */
export async function ownProgramVersion(): Promise<string> {
  const { ino, mtimeMs, size } = await stat(ownProgram());
  return `${ino} ${mtimeMs} ${size}`;
}
