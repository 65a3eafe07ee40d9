import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { Failure } from '../domain/failure.ts';
import type { LabDirectory } from './directory.ts';
import { insideMachine, requireInit } from './machine.ts';
import type { LabMachine } from './plan.ts';
import { findInside } from './processes.ts';
import { run } from './run.ts';

const pool = '/var/lib/mvc';
const freeSize = '16g';

/** Leaves so much room in the machine's pool. */
export async function fillPool(
  directory: LabDirectory,
  machine: LabMachine,
  roomMiB: number,
): Promise<void> {
  if (!Number.isInteger(roomMiB) || roomMiB < 0 || roomMiB > 1_000_000) {
    throw new Failure('BadInput', `room is a number of MiB from 0 on, not ${roomMiB}`);
  }
  await limitPool(directory, machine);
  const usedKiB = Number(
    (await inside(directory, machine, ['df', '--output=used', pool])).split('\n')[1],
  );
  await resize(directory, machine, `${usedKiB + roomMiB * 1024}k`);
}

/** Lifts the limit, if there is one. */
export async function freePool(directory: LabDirectory, machine: LabMachine): Promise<void> {
  if (isLimited(requireInit(directory, machine))) await resize(directory, machine, freeSize);
}

/**
 * Moves the pool to a file system whose size can be set. The machine's disk is a directory of this host, and
 * that cannot be full without harm to others.
 *
 * @throws {Failure} Conflict if something has files of the pool open.
 */
async function limitPool(directory: LabDirectory, machine: LabMachine): Promise<void> {
  const init = requireInit(directory, machine);
  if (isLimited(init)) return;
  if (isInUse(init)) {
    throw new Failure('Conflict', `programs at ${machine.name} have files in ${pool} open`, {
      help: 'fill and free it once before a cluster comes to the machine; then it can be filled at any time',
    });
  }
  const steps: [string, ...string[]][] = [
    ['mount', '-t', 'tmpfs', '-o', `mode=711,size=${freeSize}`, 'mvc-pool', '/mnt'],
    ['cp', '-a', `${pool}/.`, '/mnt/'],
    ['mount', '--move', '/mnt', pool],
  ];
  for (const step of steps) await inside(directory, machine, step);
}

async function resize(directory: LabDirectory, machine: LabMachine, size: string): Promise<void> {
  await inside(directory, machine, ['mount', '-o', `remount,size=${size}`, pool]);
}

function isLimited(init: number): boolean {
  return readFileSync(`/proc/${init}/mounts`, 'utf8').includes(`mvc-pool ${pool} tmpfs`);
}

function isInUse(init: number): boolean {
  return findInside(init).some(({ pid }) =>
    openPaths(pid).some((path) => path === pool || path.startsWith(`${pool}/`)),
  );
}

/** Its working directory and open files, as the machine names them. */
function openPaths(pid: number): string[] {
  try {
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`);
    return [`/proc/${pid}/cwd`, ...open].map((link) => readlinkSync(link));
  } catch {
    // It has ended in the meantime.
    return [];
  }
}

async function inside(
  directory: LabDirectory,
  machine: LabMachine,
  argv: [string, ...string[]],
): Promise<string> {
  return run(directory.id, insideMachine(directory, machine, argv), { timeoutMs: 60_000 });
}
