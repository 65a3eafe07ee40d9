import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failure.ts';

/**
 * What belongs to a lab is found by marks that the kernel keeps, not by recorded process ids: so a crash
 * between a start and its record loses nothing, and an id that was given anew is never mistaken for ours.
 */
const markVariable = 'MVC_LAB';
const roleVariable = 'MVC_LAB_ROLE';

export interface LabProcess {
  pid: number;
  role: string;
  /** Its id in its own pid namespace; 1 for a machine's init. */
  innerPid: number;
  /** Its arguments, joined by spaces. */
  title: string;
}

/** The environment of everything that a lab starts. */
export function markOf(id: string, role: string): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C.UTF-8',
    [markVariable]: id,
    [roleVariable]: role,
  };
}

/** Starts a program that outlives us. Its output goes to a file. @throws {Failure} MissingTool. */
export async function startDetached(
  argv: readonly [string, ...string[]],
  options: { id: string; role: string; logFile: string; env?: Record<string, string> },
): Promise<void> {
  const [program, ...args] = argv;
  const log = await open(options.logFile, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log.fd, log.fd],
      env: { ...markOf(options.id, options.role), ...options.env },
    });
    try {
      await once(child, 'spawn');
    } catch (error) {
      throw new Failure('MissingTool', `${program} could not be started`, { cause: error });
    }
    child.unref();
  } finally {
    await log.close();
  }
}

/** Processes that carry the lab's mark in their environment. */
export function findProcesses(id: string): LabProcess[] {
  return processIds().flatMap((pid) => {
    const environment = readProc(pid, 'environ')?.split('\0');
    if (!environment?.includes(`${markVariable}=${id}`)) return [];
    const role = environment.find((each) => each.startsWith(`${roleVariable}=`));
    return [
      {
        pid,
        role: role?.slice(roleVariable.length + 1) ?? '',
        innerPid: innerPid(pid),
        title: titleOf(pid),
      },
    ];
  });
}

/** Processes that are in the network namespace of this file, whoever started them. */
export function findInNamespace(file: string): number[] {
  const { ino } = statSync(file);
  return processIds().filter((pid) => readProcLink(pid, 'ns/net') === `net:[${ino}]`);
}

/** A process inside a machine. */
export interface InnerProcess {
  /** As this host sees it. */
  pid: number;
  parent: number;
  /** Name of the program's file. */
  program: string;
  /** Its arguments, or what it shows in their place, joined by spaces. */
  title: string;
}

/** All processes that share the pid namespace of a machine's init, whatever their environment. */
export function findInside(init: number): InnerProcess[] {
  const namespace = readProcLink(init, 'ns/pid');
  if (namespace === undefined) return [];
  return processIds().flatMap((pid) => {
    if (readProcLink(pid, 'ns/pid') !== namespace) return [];
    const program = basename(readProcLink(pid, 'exe') ?? '').replace(/ \(deleted\)$/, '');
    const parent = /^PPid:\s*(\d+)$/m.exec(readProc(pid, 'status') ?? '')?.[1];
    return [{ pid, parent: Number(parent ?? 0), program, title: titleOf(pid) }];
  });
}

/**
 * Kills until `find` finds nothing more. It is asked again right before each round, so that no id is
 * used longer than it is known to be ours.
 *
 * @throws {Failure} Timeout if something does not go.
 */
export async function killAll(find: () => number[], what: string): Promise<void> {
  const end = Date.now() + 10_000;
  for (let pids = find(); pids.length > 0; pids = find()) {
    if (Date.now() > end) {
      throw new Failure('Timeout', `${what} still has processes after 10 s: ${pids.join(', ')}`);
    }
    for (const pid of pids) kill(pid);
    await sleep(20);
  }
}

/** SIGKILL; a process that has ended already is no error. */
export function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Zombies are left out: nothing of them is left but an entry that their parent will read. */
function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => !/^\d+ \(.*\) Z/s.test(readProc(pid, 'stat') ?? ''));
}

function titleOf(pid: number): string {
  return (readProc(pid, 'cmdline') ?? '').split('\0').join(' ').trim();
}

function innerPid(pid: number): number {
  const line = /^NSpid:(.*)$/m.exec(readProc(pid, 'status') ?? '');
  return Number(line?.[1]?.trim().split(/\s+/).at(-1) ?? 0);
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    // It has ended in the meantime, or is of the kernel.
    return undefined;
  }
}

function readProcLink(pid: number, file: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${file}`);
  } catch {
    // It has ended in the meantime, or is of the kernel.
    return undefined;
  }
}
