import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Failure } from '../domain/failure.ts';
import { missingAsUndefined, readIfPresent } from './files.ts';

/** A process that cannot be mistaken for a later one with the same number. */
export const processIdSchema = z.object({
  pid: z.number().int().positive(),
  /** Clock ticks after the machine's start. */
  startTicks: z.number().int().nonnegative(),
  /** The machine's boot: ticks of an earlier one mean nothing. */
  boot: z.string(),
});
export type ProcessId = z.infer<typeof processIdSchema>;

let boot: string | undefined;

async function bootId(): Promise<string> {
  boot ??= (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return boot;
}

/** The identity of a live process, or undefined if there is none (a zombie is none). */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const stat = await readIfPresent(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The command's name may hold blanks and parentheses: the fields begin after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  if (state === 'Z' || state === 'X') return undefined;
  return { pid, startTicks: Number(fields[19]), boot: await bootId() };
}

export async function isAlive(id: ProcessId | undefined): Promise<boolean> {
  if (!id) return false;
  const now = await identify(id.pid);
  return now !== undefined && now.startTicks === id.startTicks && now.boot === id.boot;
}

/** Resident memory of a process in bytes; 0 if it is gone. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readIfPresent(`/proc/${pid}/status`);
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(status ?? '')?.[1];
  return Number(kibibytes ?? 0) * 1024;
}

/** The command line of a process, for people; empty if it cannot be read. */
export async function commandLine(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return text.replaceAll('\0', ' ').trim();
}

/** The variable by which processes of an installation are recognised: `<installation>:<service>`. */
export const markVariable = 'MVC_SERVICE_MARK';

/** Live processes that carry the installation's mark, whoever their parent is now. */
export async function findMarked(
  installation: string,
): Promise<{ service: string; process: ProcessId }[]> {
  const prefix = `${markVariable}=${installation}:`;
  const found: { service: string; process: ProcessId }[] = [];
  for (const pid of await listPids()) {
    if (pid === process.pid) continue;
    // Processes of other users cannot be read, and are none of ours.
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const mark = environment.split('\0').find((entry) => entry.startsWith(prefix));
    if (mark === undefined) continue;
    const id = await identify(pid);
    if (id) found.push({ service: mark.slice(prefix.length), process: id });
  }
  return found;
}

export async function listPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Sends a signal to exactly that process; does nothing if it is gone. */
export async function signalProcess(id: ProcessId, signal: NodeJS.Signals): Promise<void> {
  if (!(await isAlive(id))) return;
  try {
    process.kill(id.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') {
      throw new Failure('Forbidden', `process ${id.pid} belongs to another user`, {
        help: 'run the command as the user who ran `mvc up`',
        cause: error,
      });
    }
    missingAsUndefined(error);
  }
}

/** Asks a process to end, waits, and ends it by force if it does not. */
export async function endProcess(
  id: ProcessId,
  options: { signal: NodeJS.Signals; withinMs: number },
): Promise<void> {
  await signalProcess(id, options.signal);
  if (await waitUntilGone(id, options.withinMs)) return;
  await signalProcess(id, 'SIGKILL');
  if (await waitUntilGone(id, 5_000)) return;
  throw new Failure('Timeout', `process ${id.pid} does not end, not even by SIGKILL`, {
    help: 'it waits for the machine (a disk or network file system that hangs); look with `ps`',
  });
}

/** True if the process was gone within the time. */
export async function waitUntilGone(id: ProcessId, withinMs: number): Promise<boolean> {
  const end = Date.now() + withinMs;
  for (;;) {
    if (!(await isAlive(id))) return true;
    if (Date.now() >= end) return false;
    await sleep(50);
  }
}
