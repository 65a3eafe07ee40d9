import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress } from 'node:zlib';
import { directory, file, type TarEntry } from '../rolls/tar.ts';
import { renderCpio } from './cpio.ts';

const mountPoints = ['proc', 'sys', 'dev', 'seed', 'lower', 'upper', 'root'];

/** The first stage: busybox, the modules that find disks and network, and `files/init`. */
export async function renderInitrd(built: string): Promise<Buffer> {
  const executable = { mode: 0o755 };
  const entries: TarEntry[] = [
    ...['bin', 'modules', ...mountPoints].map((name) => directory(name)),
    file('bin/busybox', await readFile(join(built, 'busybox')), executable),
    file('init', await readFile(join(import.meta.dirname, 'files/init')), executable),
    file('dhcp', await readFile(join(import.meta.dirname, 'files/dhcp')), executable),
  ];
  for (const name of (await readdir(join(built, 'modules'))).toSorted()) {
    entries.push(file(`modules/${name}`, await readFile(join(built, 'modules', name))));
  }
  return promisify(zstdCompress)(renderCpio(entries), {
    params: { [constants.ZSTD_c_compressionLevel]: 19 },
  });
}
