import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failure.ts';
import type { LabDirectory } from './directory.ts';
import { insideMachine, requireInit } from './machine.ts';
import type { LabMachine } from './plan.ts';
import { findInside, kill } from './processes.ts';
import { run, succeeds } from './run.ts';

/** The services of a machine itself; `libvirtd` at VM containers only. */
export const machineServices = ['sshd', 'libvirtd'] as const;
export type MachineService = (typeof machineServices)[number];

const answerTimeoutMs = 30_000;

/**
 * Restarts the service and waits until it answers. By SIGKILL all its processes end, also those that serve
 * ssh connections; runit starts it again.
 *
 * @throws {Failure} Timeout; NotFound at a machine that has no such service.
 */
export async function restartService(
  directory: LabDirectory,
  machine: LabMachine,
  service: MachineService,
  hard: boolean,
): Promise<void> {
  if (service === 'libvirtd' && machine.container === undefined) {
    throw new Failure('NotFound', `${machine.name} is no VM container: it has no libvirtd`);
  }
  const init = requireInit(directory, machine);
  const before = servicePid(init, service);
  if (hard) {
    for (const each of findInside(init)) if (each.program === service) kill(each.pid);
  } else {
    await run(
      directory.id,
      insideMachine(directory, machine, ['sv', 'restart', servicePath(service)]),
    );
  }
  const end = Date.now() + answerTimeoutMs;
  while (servicePid(init, service) === before || !(await answers(directory, machine, service))) {
    if (Date.now() > end) {
      throw new Failure('Timeout', `${service} at ${machine.name} does not come back`);
    }
    await sleep(100);
  }
}

function servicePath(service: MachineService): string {
  return `/etc/service/${service}`;
}

/** As runit has noted it; a service that is down has none. */
function servicePid(init: number, service: MachineService): string {
  return readFileSync(`/proc/${init}/root${servicePath(service)}/supervise/pid`, 'utf8').trim();
}

async function answers(
  directory: LabDirectory,
  machine: LabMachine,
  service: MachineService,
): Promise<boolean> {
  const question =
    service === 'sshd' ? ['ssh-keyscan', '-T', '2', '127.0.0.1'] : ['virsh', '-q', 'list'];
  return succeeds(directory.id, insideMachine(directory, machine, question));
}
