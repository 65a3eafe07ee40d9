import { existsSync } from 'node:fs';
import { chmod, rename, writeFile } from 'node:fs/promises';
import { Failure } from '../domain/failure.ts';
import { generateSshKey } from '../transport/ssh-key.ts';

const keptSuffix = '.kept';

/** Lays another host key where sshd reads it; the machine's own one is kept beside it. */
export async function changeHostKey(init: number, name: string): Promise<void> {
  const path = keyPath(init);
  if (!existsSync(path + keptSuffix)) await rename(path, path + keptSuffix);
  await writeFile(path, generateSshKey(`another-${name}`).privateKey, { mode: 0o600 });
  await chmod(path, 0o600);
}

/** @throws {Failure} NotFound if it was not changed. */
export async function restoreHostKey(init: number): Promise<void> {
  const path = keyPath(init);
  if (!existsSync(path + keptSuffix)) {
    throw new Failure('NotFound', 'the machine has its own host key');
  }
  await rename(path + keptSuffix, path);
}

/** As this host reaches the file, through the machine's view of its disk. */
function keyPath(init: number): string {
  return `/proc/${init}/root/etc/ssh/ssh_host_ed25519_key`;
}
