import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failure.ts';
import { findInside, kill, type InnerProcess } from './processes.ts';

/** A command at a site takes some 100 ms: looked for often enough to be met in its middle. */
const lookEveryMs = 10;

/**
 * Kills the processes that serve ssh connections at the machine, not the daemon and not the commands.
 *
 * @param init process id of the machine's init.
 * @returns how many connections there were.
 */
export async function cutConnections(init: number, duringCommandMs?: number): Promise<number> {
  if (duringCommandMs !== undefined) await waitForCommand(init, duringCommandMs);
  const inside = findInside(init);
  const serving = servingProcesses(inside);
  for (const { pid } of serving) kill(pid);
  const pids = new Set(serving.map((each) => each.pid));
  return serving.filter((each) => !pids.has(each.parent)).length;
}

/** Each connection has one process as root, and one more below it as the account. */
function servingProcesses(inside: InnerProcess[]): InnerProcess[] {
  const daemons = inside.filter((each) => isSshd(each) && each.title.includes('[listener]'));
  const daemon = new Set(daemons.map((each) => each.pid));
  return inside.filter((each) => isSshd(each) && !daemon.has(each.pid));
}

/** @throws {Failure} Timeout. */
async function waitForCommand(init: number, timeoutMs: number): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!commandRuns(findInside(init))) {
    if (Date.now() > end) throw new Failure('Timeout', `no command came within ${timeoutMs} ms`);
    await sleep(lookEveryMs);
  }
}

/** `mvc-site` itself, not its shell or sudo: then it has its question and has not answered. */
function commandRuns(inside: InnerProcess[]): boolean {
  return inside.some(
    (each) => each.program === 'node' && each.title.includes('/usr/local/lib/mvc/mvc-site'),
  );
}

function isSshd({ program }: InnerProcess): boolean {
  return program === 'sshd' || program === 'sshd-session';
}
