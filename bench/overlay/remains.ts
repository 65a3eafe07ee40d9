import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalShell } from '../../src/transport/local-shell.ts';

/** Names of namespaces and directories begin so; the id of the process that made them follows. */
export const prefix = 'mvcb';

const sockets = '/var/run/wireguard';

/** Removes what a run has left that was killed: all that carries the id of a process that is no more. */
export async function removeRemains(): Promise<void> {
  const shell = createLocalShell();
  for (const [name] of await remains('/run/netns', new RegExp(`^${prefix}-(\\d+)-`))) {
    const { stdout } = await shell.run(['ip', 'netns', 'pids', name]);
    for (const pid of stdout.split('\n').filter(Boolean)) end(Number(pid));
    await shell.run(['ip', 'netns', 'del', name]);
  }
  for (const [, path] of [
    ...(await remains(tmpdir(), new RegExp(`^${prefix}-(\\d+)-`))),
    ...(await remains(sockets, /^w[lr]\d+x(\d+)\.sock$/)),
  ]) {
    await rm(path, { recursive: true, force: true });
  }
}

/** Names and paths of a directory's entries whose process is no more. @param named finds its id. */
async function remains(directory: string, named: RegExp): Promise<[string, string][]> {
  const names = await readdir(directory).catch(() => []);
  return names
    .filter((name) => {
      const id = named.exec(name)?.[1];
      return id !== undefined && !isAlive(Number(id));
    })
    .map((name) => [name, join(directory, name)]);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
