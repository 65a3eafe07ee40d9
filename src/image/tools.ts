import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failure.ts';

/** What the machine that builds images needs: a program or file, and its Debian package. */
const needed = [
  ['mmdebstrap', 'mmdebstrap'],
  ['mksquashfs', 'squashfs-tools'],
  ['grub-mkimage', 'grub-common'],
  ['setpriv', 'util-linux'],
  ['unshare', 'util-linux'],
  ['flock', 'util-linux'],
  ['/usr/lib/grub/i386-pc/boot.img', 'grub-pc-bin'],
] as const;

/** @throws {Failure} MissingTool naming all packages that are missing. */
export async function checkTools(): Promise<void> {
  const missing = new Set<string>();
  for (const [tool, name] of needed) {
    if (!(await isThere(tool))) missing.add(name);
  }
  // Without root, the user's range of ids is entered by newuidmap.
  if (process.getuid?.() !== 0 && !(await isThere('newuidmap'))) missing.add('uidmap');
  if (missing.size === 0) return;
  const packages = [...missing].join(' ');
  throw new Failure('MissingTool', `the node image cannot be built without ${packages}`, {
    help: `install the Debian packages: apt install ${packages}`,
  });
}

async function isThere(tool: string): Promise<boolean> {
  const system = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const directories = tool.startsWith('/')
    ? ['']
    : `${process.env['PATH'] ?? ''}:${system}`.split(':');
  const checks = directories.map((each) => access(join(each, tool), constants.R_OK));
  return (await Promise.allSettled(checks)).some((each) => each.status === 'fulfilled');
}
