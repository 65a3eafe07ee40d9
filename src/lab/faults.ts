import { withLock } from '../site/host-lock.ts';
import { cutConnections } from './connections.ts';
import { applyCut } from './cut.ts';
import { openDirectory, requirePlan, writePlan, type LabDirectory } from './directory.ts';
import { changeHostKey, restoreHostKey } from './host-key.ts';
import { requireInit } from './machine.ts';
import { fillPool, freePool } from './pool.ts';
import { findMachine, findSite, type LabMachine, type LabPlan, type NatKind } from './plan.ts';
import { requireRoot } from './prerequisites.ts';
import { findInside, kill } from './processes.ts';
import { restartService, type MachineService } from './machine-services.ts';
import { setNat, setPublicAddress, type DoorChoice } from './site-network.ts';

/** What can be broken in a lab, and mended, while everything runs. */
interface At {
  /** State directory of the lab, an absolute path. */
  home: string;
}
interface AtMachine extends At {
  /** As `mvc lab status` names it. */
  machine: string;
}

const lockSeconds = 120;

/**
 * Cuts a site off, or mends that: all packets between it and anybody else are dropped without a word, so that
 * connections hang; those that are mended soon go on.
 */
export async function labWan(options: At & { site: string; state: 'down' | 'up' }): Promise<void> {
  const { site, state } = options;
  await withPlan(options.home, async (directory, plan) => {
    const others = (plan.cut ?? []).filter((each) => each !== site);
    const changed = { ...plan, cut: state === 'down' ? [...others, site] : others };
    await applyCut(directory, changed, findSite(plan, site));
    await writePlan(directory, changed);
  });
}

/**
 * Puts another gateway in place of the site's, while all else runs on. It knows nothing of the flows before, as a
 * box that was exchanged; ssh to the site still works. The kind outlives `mvc lab up`.
 */
export async function labNat(options: At & { site: string; kind: NatKind }): Promise<void> {
  await withPlan(options.home, (directory, plan) =>
    setNat(directory, plan, options.site, options.kind),
  );
}

/**
 * Gives the site another public address. Programs of the site are not told, and senders to the old address are
 * lost, those on the WAN itself at first without a word.
 *
 * @param options.door the controller's ssh follows to the new address (by default), or stays at the old one,
 *   where nobody answers, until `mvc lab up`.
 */
export async function labAddress(
  options: At & { site: string; address: string; door?: DoorChoice },
): Promise<void> {
  const { site, address, door = 'follows' } = options;
  await withPlan(options.home, (directory, plan) =>
    setPublicAddress(directory, plan, site, address, door),
  );
}

/** Restarts a service of the machine, kindly or by SIGKILL, and waits until it answers again. */
export async function labRestart(
  options: AtMachine & { service: MachineService; kill?: boolean },
): Promise<void> {
  await withMachine(options, (directory, machine) =>
    restartService(directory, machine, options.service, options.kill ?? false),
  );
}

/** SIGKILL to processes inside the machine by name of their program, and by a part of their arguments if given. */
export async function labKill(
  options: AtMachine & { program: string; containing?: string },
): Promise<number> {
  return withMachine(options, async (directory, machine) => {
    const found = findInside(requireInit(directory, machine)).filter(
      (each) => each.program === options.program && each.title.includes(options.containing ?? ''),
    );
    for (const { pid } of found) kill(pid);
    return found.length;
  });
}

/**
 * Cuts the ssh connections of the controller at the machine; the commands that they started go on.
 *
 * @param options.duringCommandMs wait so long for a command to run, and cut then; by default cut at once.
 * @returns how many connections were cut.
 * @throws {Failure} Timeout if no command came.
 */
export async function labCut(options: AtMachine & { duringCommandMs?: number }): Promise<number> {
  const directory = await openForFault(options.home);
  const machine = findMachine(await requirePlan(directory), options.machine);
  // Without the lock: a wait for a command must not hold the lab.
  return cutConnections(requireInit(directory, machine), options.duringCommandMs);
}

/** Gives the machine another ssh host key, or its own one back. Connections end, so that the next one sees it. */
export async function labHostKey(
  options: AtMachine & { action: 'change' | 'restore' },
): Promise<void> {
  await withMachine(options, async (directory, machine) => {
    const init = requireInit(directory, machine);
    await (options.action === 'change' ? changeHostKey(init, machine.name) : restoreHostKey(init));
    await restartService(directory, machine, 'sshd', true);
  });
}

/**
 * Limits the machine's pool (`/var/lib/mvc`) to what is in it now and some more, or lifts that limit. A limited
 * pool is in memory: it does not outlive a reboot.
 *
 * @param options.roomMiB what may still be written, 0 by default.
 * @throws {Failure} Conflict if the pool has no limit yet and is in use.
 */
export async function labDisk(
  options: AtMachine & { action: 'fill' | 'free'; roomMiB?: number },
): Promise<void> {
  await withMachine(options, (directory, machine) =>
    options.action === 'fill'
      ? fillPool(directory, machine, options.roomMiB ?? 0)
      : freePool(directory, machine),
  );
}

async function withMachine<T>(
  { home, machine }: AtMachine,
  action: (directory: LabDirectory, machine: LabMachine) => Promise<T>,
): Promise<T> {
  return withPlan(home, (directory, plan) => action(directory, findMachine(plan, machine)));
}

async function withPlan<T>(
  home: string,
  action: (directory: LabDirectory, plan: LabPlan) => Promise<T>,
): Promise<T> {
  const directory = await openForFault(home);
  return withLock(directory.lockFile, lockSeconds, async () =>
    action(directory, await requirePlan(directory)),
  );
}

async function openForFault(home: string): Promise<LabDirectory> {
  requireRoot();
  return openDirectory(home);
}
