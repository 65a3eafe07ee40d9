import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageRef } from '../domain/image.ts';
import { checkRolls } from '../rolls/rolls.ts';
import { file } from '../rolls/tar.ts';
import { writeDisk } from './disk.ts';
import { renderDiskGrub, renderNetworkGrub } from './grub.ts';
import { findBuilt, recordBuilt } from './index-file.ts';
import { renderInitrd } from './initrd.ts';
import { withLock } from './lock.ts';
import { readRecipe, type Recipe } from './recipe.ts';
import { buildRoot, type BuildOptions } from './root.ts';
import { run } from './run.ts';
import { checkTools } from './tools.ts';

const buildPrefix = '.build-';

export interface NodeImageRequest extends BuildOptions {
  /** Where images are kept, and built. */
  directory: string;
  rolls: string[];
}

/**
 * The node image of these rolls: found if an image of the same recipe was built before, else built
 * from Debian packages. Two that ask at once get one build. A build that is killed leaves nothing
 * that a later one could take for whole.
 *
 * @throws {Failure} BadInput for unknown rolls, MissingTool, CommandFailed.
 */
export async function ensureNodeImage(request: NodeImageRequest): Promise<ImageRef> {
  const { directory, signal, onProgress } = request;
  const recipe = await readRecipe(checkRolls(request.rolls));
  const built = await findBuilt(directory, recipe.digest);
  if (built) return built;
  await checkTools();
  await mkdir(directory, { recursive: true });
  const options = {
    ...(signal ? { signal } : {}),
    onWait: () => onProgress?.('image: another build is going on; waiting for it'),
  };
  return withLock(join(directory, 'build.lock'), options, async () => {
    await removeRemains(directory);
    return (await findBuilt(directory, recipe.digest)) ?? build(recipe, request);
  });
}

/** Only the holder of the lock builds, so what lies here is of builds that were killed. */
async function removeRemains(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(buildPrefix)) await removeTree(join(directory, name));
  }
}

async function build(recipe: Recipe, { directory, ...options }: NodeImageRequest) {
  const work = await mkdtemp(join(directory, buildPrefix));
  try {
    // Packages drop root's rights while they install: they must be able to pass through.
    await chmod(work, 0o755);
    const disk = await buildDisk(work, recipe, options);
    const path = join(directory, `${disk.digest}.img`);
    await rename(disk.path, path);
    const image = { digest: disk.digest, size: disk.size, path };
    await recordBuilt(directory, recipe.digest, image);
    options.onProgress?.(`image: ${disk.digest.slice(0, 12)} has ${disk.size} bytes`);
    return image;
  } finally {
    await removeTree(work);
  }
}

async function buildDisk(work: string, recipe: Recipe, options: BuildOptions) {
  const { signal, onProgress } = options;
  const loader = await renderNetworkGrub(work, signal);
  const entries = [...recipe.entries, file('srv/boot/grub.lkrn', loader)];
  const out = await buildRoot(work, { ...recipe, entries }, options);
  onProgress?.('image: packing the disk');
  await writeFile(join(out, 'initrd'), await renderInitrd(out));
  const kernel = join(work, 'kernel.squashfs');
  const [vmlinuz, initrd] = [join(out, 'vmlinuz'), join(out, 'initrd')];
  // GRUB reads it sector by sector: it must not have to unpack it too.
  const plain = ['-noI', '-noD', '-noF', '-noX', '-no-progress', '-quiet', '-all-root'];
  const still = ['-mkfs-time', '0', '-all-time', '0'];
  await run(['mksquashfs', vmlinuz, initrd, kernel, ...plain, ...still], signal ? { signal } : {});
  const path = join(work, 'disk.img');
  const partitions = [kernel, join(out, 'root.squashfs')];
  const grub = await renderDiskGrub(work, signal);
  return { path, ...(await writeDisk(path, { grub, partitions }, signal)) };
}

async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}
