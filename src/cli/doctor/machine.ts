import { readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { programRoot, type Home } from '../../installation/home.ts';
import { fail, ok, warn, type Finding } from './check.ts';

const mebi = 1024 ** 2;
const gibi = 1024 ** 3;

/** @param wanted as `engines.node` of package.json has it: `>=24`. */
export function judgeNode(version: string, wanted: string): Finding {
  const least = Number(/\d+/.exec(wanted)?.[0] ?? 0);
  if (Number(version.split('.')[0]) >= least) return ok('node', `Node ${version}`);
  const help = 'run `./mvc`, which brings its own, or put a newer node first in PATH';
  return fail('node', `Node ${version} is too old: ${wanted} is needed`, help);
}

export async function checkNode(): Promise<Finding[]> {
  const text = await readFile(join(programRoot, 'package.json'), 'utf8');
  const { engines } = JSON.parse(text) as { engines: { node: string } };
  return [judgeNode(process.versions.node, engines.node)];
}

/** @param freeBytes that this account may use. */
export function judgeDisk(path: string, freeBytes: number, freeFiles: number): Finding {
  const told = `${(freeBytes / gibi).toFixed(1)} GiB free at ${path}`;
  const help = 'make room: the database and the engine stop when the disk is full';
  if (freeFiles < 1_000)
    return fail('disk', `${freeFiles} files can still be made at ${path}`, help);
  if (freeBytes < gibi) return fail('disk', told, help);
  if (freeBytes < 5 * gibi) return warn('disk', `${told}, a node image needs some 2 GiB`, help);
  return ok('disk', told);
}

export async function checkDisk(home: Home): Promise<Finding[]> {
  const { bavail, bsize, files, ffree } = await statfs(home.root);
  // Some file systems make room for files as they go, and tell 0 of 0.
  return [judgeDisk(home.root, bavail * bsize, files === 0 ? Infinity : ffree)];
}

export function judgeMemory(availableBytes: number): Finding {
  const told = `${Math.round(availableBytes / mebi)} MiB of memory are available`;
  const help = 'the services take some 900 MiB: end other programs, or use a bigger machine';
  if (availableBytes < 128 * mebi) return fail('memory', told, help);
  if (availableBytes < 512 * mebi) return warn('memory', told, help);
  return ok('memory', told);
}

export async function checkMemory(): Promise<Finding[]> {
  const kibibytes = /^MemAvailable:\s+(\d+) kB/m.exec(await readFile('/proc/meminfo', 'utf8'))?.[1];
  return [judgeMemory(Number(kibibytes ?? 0) * 1024)];
}
