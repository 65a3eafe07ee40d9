import { chmod, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Failure } from '../../../domain/failure.ts';
import type { Mark } from '../../../domain/mark.ts';
import type { VmDefinition } from '../../../domain/vm.ts';
import { ignoreAbsent, writeDurably } from '../../../transport/durable-file.ts';
import type { Shell } from '../../../transport/shell.ts';
import { markFileOf } from './cluster-files.ts';
import { clusterDirectory, imageFile, vmFiles } from './vm-files.ts';

const maxSeedBytes = 64 * 1024 ** 2;
const sectorBytes = 512;

/** Directory of the VM; its place in the pool is taken by a sparse file of its data disk's size. */
export async function reserveFiles(pool: string, mark: Mark, vm: VmDefinition): Promise<void> {
  const files = vmFiles(pool, mark, vm.name);
  const cluster = clusterDirectory(pool, mark.clusterId);
  // QEMU runs as another user where the distribution has it so: it may pass through, not list.
  for (const directory of [dirname(cluster), cluster, files.directory]) {
    await mkdir(directory, { recursive: true });
    await chmod(directory, 0o711);
  }
  await writeDurably(markFileOf(pool, mark.clusterId), JSON.stringify(mark));
  if (vm.diskGiB === undefined || (await exists(files.data))) return;
  const disk = await open(files.dataReserved, 'a', 0o600);
  try {
    await disk.truncate(vm.diskGiB * 1024 ** 3);
  } finally {
    await disk.close();
  }
}

/** Makes what the VM's domain refers to. The data disk is made once and then kept as it is. */
export async function ensureDisks(
  shell: Shell,
  pool: string,
  mark: Mark,
  vm: VmDefinition,
  seed: Buffer,
): Promise<void> {
  if (!(await exists(imageFile(pool, vm.image)))) {
    throw new Failure(
      'NotFound',
      `the image ${vm.image} of ${vm.name} is not at this VM container`,
      {
        help: 'bring the image there first',
      },
    );
  }
  await reserveFiles(pool, mark, vm);
  const files = vmFiles(pool, mark, vm.name);
  await writeDurably(files.seed, await unpackSeed(seed, vm.name));
  if (vm.diskGiB === undefined || (await exists(files.data))) return;
  await makeFileSystem(shell, files.dataReserved);
  // Only now is it the data disk: one whose making was cut short is made again.
  await rename(files.dataReserved, files.data);
}

async function unpackSeed(seed: Buffer, vm: string): Promise<Buffer> {
  let tar: Buffer;
  try {
    tar = await promisify(gunzip)(seed, { maxOutputLength: maxSeedBytes });
  } catch (error) {
    throw new Failure('BadInput', `the seed of ${vm} is not a gzipped file of at most 64 MiB`, {
      cause: error,
    });
  }
  const padding = (sectorBytes - (tar.length % sectorBytes)) % sectorBytes;
  return Buffer.concat([tar, Buffer.alloc(padding)]);
}

async function makeFileSystem(shell: Shell, file: string): Promise<void> {
  const { exitCode, stderr } = await shell.run(
    // Lazy: the guest's kernel fills the tables in while it already runs.
    [
      'mke2fs',
      '-q',
      '-F',
      '-t',
      'ext4',
      '-L',
      'mvc-data',
      '-m',
      '1',
      '-E',
      'lazy_itable_init=1,lazy_journal_init=1',
      file,
    ],
    { timeoutMs: 60_000, env: { LC_ALL: 'C' } },
  );
  if (exitCode !== 0) {
    throw new Failure('CommandFailed', `mke2fs failed: ${stderr.trim().slice(-500)}`);
  }
  const handle = await open(file, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function exists(file: string): Promise<boolean> {
  return (await ignoreAbsent(stat(file))) !== undefined;
}
