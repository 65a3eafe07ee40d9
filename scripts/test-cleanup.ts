import { execFile } from 'node:child_process';
import { glob, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { commandLine, endProcess, identify, listPids } from '../src/installation/process-id.ts';

const run = promisify(execFile);

/**
 * Ends and removes what tests left behind below their temporary directory: labs, processes that
 * carry it in their environment, mounts, files. Says what it found; a clean run says nothing.
 */
export async function cleanUp(temporary: string): Promise<void> {
  await removeLabs(temporary);
  await endProcesses(temporary);
  await unmount(temporary);
  const left = (await readdir(temporary)).filter(
    (name) => !/^(\w+\.json|mvc-test-cache)$/.test(name),
  );
  if (left.length > 0) say(`removing what tests left behind: ${left.join(', ')}`);
  await rm(temporary, { recursive: true, force: true, maxRetries: 3 });
}

async function removeLabs(temporary: string): Promise<void> {
  for await (const plan of glob('{*,*/*,*/*/*}/lab.json', { cwd: temporary })) {
    const { labDown } = await import('../src/lab/lab.ts');
    await labDown({ home: dirname(join(temporary, plan)), onProgress: say });
  }
}

async function endProcesses(temporary: string): Promise<void> {
  // A process that ends may leave children that were started meanwhile: look until none is left.
  for (let left = await started(temporary); left.length > 0; left = await started(temporary)) {
    for (const pid of left) {
      const id = await identify(pid);
      if (!id) continue;
      say(`ending what a test left behind: process ${pid}, ${await commandLine(pid)}`);
      await endProcess(id, { signal: 'SIGTERM', withinMs: 10_000 });
    }
  }
}

/** Live processes that were started with this run's temporary directory. */
async function started(temporary: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await listPids()) {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!environment.split('\0').includes(`TMPDIR=${temporary}`)) continue;
    if (await identify(pid)) found.push(pid);
  }
  return found;
}

/** Mounts below the directory: to remove files through one would remove what is not ours. */
async function unmount(temporary: string): Promise<void> {
  const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  const points = lines.map((line) => line.split(' ')[1] ?? '');
  const ours = points.filter((point) => point.startsWith(`${temporary}/`)).toReversed();
  for (const point of ours) {
    say(`unmounting what a test left behind: ${point}`);
    await run('umount', ['--lazy', point]);
  }
}

function say(sentence: string): void {
  process.stdout.write(`${sentence}\n`);
}
