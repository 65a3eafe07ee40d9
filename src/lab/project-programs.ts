import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where set-up puts programs that no package of the system has. */
const tools = fileURLToPath(new URL('../../.tools', import.meta.url));
const programs = ['wireguard-go'];

/**
 * Puts programs of the project where an administrator puts what is not of a package. The machine runs already:
 * so one that was installed before there was such a program gets it, too.
 *
 * @param init process id of the machine's init.
 * @param from where the programs are; one that is not there is left out.
 */
export async function ensureProjectPrograms(init: number, from = tools): Promise<void> {
  const bin = `/proc/${init}/root/usr/local/bin`;
  for (const program of programs) {
    const source = join(from, program);
    if (!existsSync(source) || (await isSame(source, join(bin, program)))) continue;
    await mkdir(bin, { recursive: true });
    const fresh = join(bin, `.${program}.new`);
    await copyFile(source, fresh);
    await chmod(fresh, 0o755);
    // Never written in place: the old one may run.
    await rename(fresh, join(bin, program));
  }
}

async function isSame(source: string, target: string): Promise<boolean> {
  if (!existsSync(target)) return false;
  const [wanted, found] = await Promise.all([readFile(source), readFile(target)]);
  return wanted.equals(found);
}
