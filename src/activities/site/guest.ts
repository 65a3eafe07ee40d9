import { Failure, type FailureKind } from '../../domain/failure.ts';
import type { Operation } from '../../domain/mark.ts';
import type { Site } from '../../domain/site.ts';
import type { Watch } from '../../drivers/site/site-driver.ts';
import type { SiteDrivers } from './drivers.ts';

/** A VM inside which programs are run through its guest agent. */
export interface GuestAddress {
  site: Site;
  operation: Operation;
  container: string;
  vm: string;
}

/**
 * Runs a program in a VM. Its input is no secret: at the VM container it passes through arguments.
 *
 * @param options.failures exit status → what it means, where that is not CommandFailed.
 * @returns what it wrote to its standard output.
 * @throws {Failure} CommandFailed with its last words if it did not end with 0; Unreachable; Timeout.
 */
export async function runInGuest(
  drivers: SiteDrivers,
  guest: GuestAddress,
  argv: string[],
  options: { stdin?: string; timeoutMs?: number; failures?: Record<number, FailureKind> },
  watch: Watch,
): Promise<string> {
  const vm = { container: guest.container, name: guest.vm };
  const { failures = {}, ...limits } = options;
  const run = { argv, timeoutMs: 30_000, ...limits };
  const result = await drivers.site(guest.site).guestRun(guest.operation, vm, run, watch);
  if (result.exitCode === 0) return result.stdout;
  throw new Failure(
    failures[result.exitCode] ?? 'CommandFailed',
    `${argv[0]} in ${guest.vm} at site ${guest.site.name} ended with ${result.exitCode}: ${result.stderr.trim() || result.stdout.trim()}`,
  );
}

/**
 * The same with a program of a roll that the cluster may have been created without: then its guest agent
 * does not find the program, and says so in its own words.
 *
 * @throws {Failure} BadInput if the roll is not there; otherwise as `runInGuest`.
 */
export async function runOfRoll(
  roll: string,
  ...[drivers, guest, ...more]: Parameters<typeof runInGuest>
): Promise<string> {
  try {
    return await runInGuest(drivers, guest, ...more);
  } catch (error) {
    if (!(error instanceof Failure) || !/No such file|not found/i.test(error.message)) throw error;
    const { cluster } = guest.operation.mark;
    throw new Failure('BadInput', `cluster ${cluster} was created without the roll ${roll}`, {
      help: 'clusters whose spec does not name rolls have it',
      cause: error,
    });
  }
}
