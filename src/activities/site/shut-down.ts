import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../domain/failure.ts';
import type { VmDefinition } from '../../domain/vm.ts';
import type { Watch } from '../../drivers/site/site-driver.ts';
import type { SiteDrivers } from './drivers.ts';
import type { GuestAddress } from './guest.ts';

const pollEveryMs = 1_000;
const askTimeoutMs = 15_000;

/**
 * Asks the VM's system to power off, and waits until the VM is off; after `timeoutMs` its power is cut.
 *
 * @throws {Failure} what the site answers, StaleEpoch first of all; never because the guest is silent.
 */
export async function shutDown(
  drivers: SiteDrivers,
  input: { guest: GuestAddress; vm: VmDefinition; timeoutMs: number },
  watch: Required<Watch>,
): Promise<void> {
  const { site, operation } = input.guest;
  const driver = drivers.site(site);
  const { name } = input.vm;
  const runs = async () => {
    const seen = (await driver.describeVms(operation, watch)).find((each) => each.name === name);
    return seen?.power === 'running';
  };
  const deadline = Date.now() + input.timeoutMs;
  if (!(await runs())) return;
  await askToPowerOff(drivers, input.guest, watch);
  while (Date.now() < deadline) {
    if (!(await runs())) return;
    watch.progress({ note: `${name} shuts down` });
    await sleep(Math.min(pollEveryMs, input.timeoutMs), undefined, { signal: watch.signal });
  }
  // Also for one that went off a moment ago: then it changes nothing.
  await driver.stopVms(operation, [input.vm], watch);
}

/** A guest that goes down answers no more, and one that hangs never does: the power tells. */
async function askToPowerOff(
  drivers: SiteDrivers,
  guest: GuestAddress,
  watch: Required<Watch>,
): Promise<void> {
  const vm = { container: guest.container, name: guest.vm };
  const run = { argv: ['/usr/sbin/poweroff'], timeoutMs: askTimeoutMs };
  try {
    await drivers.site(guest.site).guestRun(guest.operation, vm, run, watch);
  } catch (error) {
    watch.signal.throwIfAborted();
    const gone = error instanceof Failure && (error.retryable || error.kind === 'NotFound');
    if (!gone) throw error;
  }
}
