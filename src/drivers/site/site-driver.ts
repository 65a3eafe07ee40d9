import type { Progress } from '../../domain/heartbeat.ts';
import type { Operation } from '../../domain/mark.ts';
import type { Sealed } from '../../domain/sealed.ts';
import type { OwnedThing, SiteFacts } from '../../domain/site.ts';
import type { SentImage } from '../../domain/site-line.ts';
import type { SeenVm, VmDefinition } from '../../domain/vm.ts';

/** An image file on the worker's machine. Sizes in bytes. */
export interface ImageSource {
  digest: string;
  size: number;
  path: string;
}

/** What a long call tells while it goes on, and how it is stopped. */
export interface Watch {
  signal?: AbortSignal;
  progress?: (done: Progress) => void;
}

/**
 * What a site can be asked. One object per site and worker. Every verb is safe to repeat; those that
 * name an operation are refused with StaleEpoch once a later operation of the cluster was seen.
 * VMs carry the name of their VM container, so a call may touch several containers of the site.
 */
export interface SiteDriver {
  /** Asks every host of the site. Fails if one does not answer or lacks a program. */
  facts(watch?: Watch): Promise<SiteFacts>;

  /**
   * Reserves all the VMs at this site, or none: afterwards the site itself lists them as ours, shut off.
   * Renews the lease of those that are reserved already; a VM that was booted is left as it is.
   *
   * @param leaseUntil seconds since 1970; the reservation of a VM that was never booted may be taken away
   *   after. An earlier one than the VM has changes nothing.
   * @throws {Failure} NoCapacity, or Conflict when a name or MAC belongs to somebody else's VM.
   */
  reserve(
    operation: Operation,
    vms: VmDefinition[],
    leaseUntil: number,
    watch?: Watch,
  ): Promise<void>;

  /**
   * Brings the image to every VM container of the site: once over the WAN, then over the site's own LAN.
   *
   * @returns what went over the WAN; undefined if nothing did.
   */
  ensureImage(image: ImageSource, watch?: Watch): Promise<SentImage | undefined>;

  /** Makes disks and seeds and the final definition. Starts nothing; a running VM is left as it is. */
  ensureVms(
    operation: Operation,
    vms: { vm: VmDefinition; seed: Sealed }[],
    watch?: Watch,
  ): Promise<void>;

  /** Starts those that do not run; returns the names of those that this call started. */
  startVms(operation: Operation, vms: VmDefinition[], watch?: Watch): Promise<string[]>;

  /** Powers off those that run. Absent VMs are no error. */
  stopVms(operation: Operation, vms: VmDefinition[], watch?: Watch): Promise<void>;

  /** Removes the VMs (all of the cluster's at this site if none are named) with disks and seeds. Absent ones are no error. */
  removeVms(operation: Operation, vms?: VmDefinition[], watch?: Watch): Promise<void>;

  /** The cluster's VMs as the site sees them. Absent ones are not in the list. */
  describeVms(operation: Operation, watch?: Watch): Promise<SeenVm[]>;

  /** Everything here that carries the installation's mark, or one cluster's of it. */
  listOwned(
    owner: { installation: string; clusterId?: string },
    watch?: Watch,
  ): Promise<OwnedThing[]>;

  /** The highest operation of each of the installation's clusters that was seen at any host of the site. */
  listOperations(installation: string, watch?: Watch): Promise<Operation[]>;

  /**
   * Runs a program inside a VM through its guest agent and waits for its end.
   *
   * @throws {Failure} Unreachable while the agent does not answer, Timeout.
   */
  guestRun(
    operation: Operation,
    vm: { container: string; name: string },
    run: { argv: string[]; stdin?: string; timeoutMs: number },
    watch?: Watch,
  ): Promise<{ exitCode: number; stdout: string; stderr: string }>;

  /** Last bytes of a VM's serial console, for people. */
  console(
    operation: Operation,
    vm: { container: string; name: string },
    bytes: number,
    watch?: Watch,
  ): Promise<string>;
}
