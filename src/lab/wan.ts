import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failure.ts';
import type { LabDirectory } from './directory.ts';
import { linkNames, macOf } from './namespace.ts';
import { borderOf, controllerEnd, namespaceOf, wan, type LabPlan } from './plan.ts';
import { findProcesses, killAll, startDetached } from './processes.ts';
import { run, succeeds } from './run.ts';

const startTimeoutMs = 10_000;

/**
 * The WAN is a star of user-space switches, one per end and a hub. A wire with a delay joins each end to
 * the hub; a round trip passes four such delays.
 */
export async function ensureHub(directory: LabDirectory): Promise<void> {
  if (has(directory, 'wan:hub')) return;
  await startSwitch(directory, 'hub', namespaceOf(directory.id, controllerEnd), []);
}

/** Joins a namespace to the WAN by an interface of its own, with the delay of the plan. */
export async function ensureWanEnd(
  directory: LabDirectory,
  plan: LabPlan,
  end: string,
): Promise<void> {
  const namespace = namespaceOf(directory.id, holderOf(plan, end));
  const roles = [`wan:${end}`, `wire:${end}`];
  const complete =
    roles.every((role) => has(directory, role)) &&
    (await linkNames(directory.id, namespace)).includes(wan.interface);
  if (complete) return;
  await killAll(
    () =>
      findProcesses(directory.id)
        .filter((each) => roles.includes(each.role))
        .map((each) => each.pid),
    `the WAN end of ${end}`,
  );
  await startSwitch(directory, end, namespace, ['-t', wan.interface]);
  await rm(wirePath(directory, end), { force: true });
  await startDetached(
    [
      'nsenter',
      `--net=/run/netns/${namespaceOf(directory.id, controllerEnd)}`,
      ...(await asHardware(directory.id)),
      'wirefilter',
      '-v',
      `${switchPath(directory, 'hub')}:${switchPath(directory, end)}`,
      '-d',
      String(plan.rttMs / 4),
      '-M',
      wirePath(directory, end),
      '--daemon',
    ],
    { id: directory.id, role: `wire:${end}`, logFile: join(directory.run, `wire-${end}.log`) },
  );
  await waitFor(wirePath(directory, end));
  // The same as before, so that its neighbours need not ask again.
  const address = ['address', macOf(`wan:${end}`)] as const;
  await run(directory.id, ['ip', '-n', namespace, 'link', 'set', wan.interface, ...address]);
}

/** Name of the namespace that has this end's interface. */
function holderOf(plan: LabPlan, end: string): string {
  const site = plan.sites.find((each) => each.name === end);
  return site ? borderOf(site) : end;
}

/** The controller's own end of the WAN. */
export async function addressController(id: string): Promise<void> {
  const namespace = namespaceOf(id, controllerEnd);
  const address = `${wan.controllerAddress}/${wan.prefixLength}`;
  await run(id, ['ip', '-n', namespace, 'addr', 'replace', address, 'dev', wan.interface]);
  await run(id, ['ip', '-n', namespace, 'link', 'set', wan.interface, 'up']);
}

/** Changes the delay of a running WAN. */
export async function setRtt(directory: LabDirectory, plan: LabPlan, rttMs: number): Promise<void> {
  for (const end of wanEnds(plan)) {
    await command(wirePath(directory, end), `delay ${rttMs / 4}`);
  }
}

export function wanEnds(plan: LabPlan): string[] {
  return [controllerEnd, ...plan.sites.map((site) => site.frontend.name)];
}

async function startSwitch(
  directory: LabDirectory,
  end: string,
  namespace: string,
  args: string[],
): Promise<void> {
  const path = switchPath(directory, end);
  await rm(path, { recursive: true, force: true });
  await startDetached(
    // A switch makes its interface in the namespace in which it is started.
    [
      'nsenter',
      `--net=/run/netns/${namespace}`,
      ...(await asHardware(directory.id)),
      'vde_switch',
      '-s',
      path,
      ...args,
      '-d',
    ],
    { id: directory.id, role: `wan:${end}`, logFile: join(directory.run, `switch-${end}.log`) },
  );
  await waitFor(join(path, 'ctl'));
}

/**
 * The WAN's equipment does not wait for the machines that share this processor with it: else its small queues
 * would overflow, and delays would grow, whenever a VM computes. Where the kernel does not allow that, it waits.
 */
async function asHardware(id: string): Promise<string[]> {
  const firstInLine = ['chrt', '--rr', '1'] as const;
  return (await succeeds(id, [...firstInLine, 'true'])) ? [...firstInLine] : [];
}

function has(directory: LabDirectory, role: string): boolean {
  return findProcesses(directory.id).some((each) => each.role === role);
}

function switchPath(directory: LabDirectory, end: string): string {
  return join(directory.run, `switch-${end}`);
}

function wirePath(directory: LabDirectory, end: string): string {
  return join(directory.run, `wire-${end}`);
}

async function waitFor(path: string): Promise<void> {
  const end = Date.now() + startTimeoutMs;
  while (!existsSync(path)) {
    if (Date.now() > end) throw new Failure('Timeout', `nothing has made ${path}`);
    await sleep(20);
  }
}

/** Lets the wire of this end lose so many percent of its packets, both ways. */
export async function setLoss(directory: LabDirectory, end: string, percent: number) {
  await command(wirePath(directory, end), `loss ${percent}`);
}

/** Says one line to a wire's management socket. @throws {Failure} unless it answers `1000 Success`. */
function command(path: string, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      socket.destroy();
      reject(new Failure('CommandFailed', `the wire at ${path} does not take \`${line}\`: ${why}`));
    };
    const socket = connect(path, () => socket.write(`${line}\n`));
    let said = '';
    socket.setTimeout(5000, () => fail(said || 'no answer'));
    socket.on('error', (error) => fail(error.message));
    socket.on('data', (chunk) => {
      said += chunk.toString();
      if (!said.includes('1000 Success')) return;
      socket.destroy();
      resolve();
    });
  });
}
