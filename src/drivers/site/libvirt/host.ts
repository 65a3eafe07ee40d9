import { Failure, toFailure } from '../../../domain/failure.ts';
import type { Operation } from '../../../domain/mark.ts';
import { seedPurpose, type Sealed } from '../../../domain/sealed.ts';
import type { HostFacts, OwnedThing } from '../../../domain/site.ts';
import type { HostPolicy, SiteVerbInput, SiteVerbOutput } from '../../../domain/site-verbs.ts';
import type { SeenVm, VmDefinition } from '../../../domain/vm.ts';
import { writeDurably } from '../../../transport/durable-file.ts';
import type { Shell } from '../../../transport/shell.ts';
import {
  foundDomain,
  planReservation,
  renewedLease,
  type Capacity,
  type Marked,
} from '../reservation.ts';
import { measureCapacity } from './capacity.ts';
import { checkPolicy } from './check-policy.ts';
import { listClusterMarks, removeClusterFiles } from './cluster-files.ts';
import { readConsole, shortenConsole } from './console.ts';
import { powerOff, setMark, undefine } from './domain-actions.ts';
import { markOf, type DomainMark } from './domain-mark.ts';
import { renderDomain } from './domain-xml.ts';
import { execInGuest, pollGuest } from './guest-agent.ts';
import { absent, findMarked, listDomains, listMarked, type Domain } from './inventory.ts';
import { probeVirtualization } from './kvm-probe.ts';
import { createVirsh } from './virsh.ts';
import { ensureDisks, reserveFiles } from './vm-disks.ts';
import { clusterDirectory, vmFiles } from './vm-files.ts';

/**
 * The VMs of one VM container through its libvirtd. Runs as root at that host. Those that change
 * something are called under the host's lock, and the epoch is checked before.
 */
export interface LibvirtHost {
  capacity(): Promise<Capacity>;
  /** All of them, foreign ones too. */
  domains(): Promise<HostFacts['domains']>;
  /** @throws {Failure} Conflict, NoCapacity or Forbidden; then nothing was defined. */
  reserve(operation: Operation, vms: VmDefinition[], leaseUntil: number): Promise<void>;
  ensure(operation: Operation, vms: { vm: VmDefinition; seed: Sealed }[]): Promise<void>;
  /**
   * Also lets those go on that stand still since the disk was full.
   *
   * @returns names of those that this call started.
   */
  start(operation: Operation, names: string[]): Promise<string[]>;
  stop(operation: Operation, names: string[]): Promise<void>;
  remove(operation: Operation, names?: string[]): Promise<void>;
  describe(operation: Operation): Promise<SeenVm[]>;
  console(operation: Operation, name: string, bytes: number): Promise<string>;
  guestExec(
    operation: Operation,
    name: string,
    program: Pick<SiteVerbInput<'guest.exec'>, 'argv' | 'stdin'>,
  ): Promise<SiteVerbOutput<'guest.exec'>>;
  guestPoll(operation: Operation, name: string, pid: number): Promise<SiteVerbOutput<'guest.poll'>>;
  owned(owner: { installation: string; clusterId?: string | undefined }): Promise<OwnedThing[]>;
}

export interface LibvirtHostOptions {
  pool: string;
  policy: HostPolicy;
  /** Opens what is sealed to this host. The purpose of a VM's seed is `seedPurpose`. */
  openSeed: (sealed: Sealed, purpose: string) => Buffer | Promise<Buffer>;
}

export function createLibvirtHost(shell: Shell, options: LibvirtHostOptions): LibvirtHost {
  const { pool, policy } = options;
  const virsh = createVirsh(shell);

  async function capacityBeside(domains: Domain[]): Promise<Capacity> {
    const virtualization = await probeVirtualization(shell, pool);
    return measureCapacity(virsh, policy, virtualization, domains);
  }

  async function define(vm: VmDefinition, mark: DomainMark): Promise<void> {
    const virtualization = await probeVirtualization(shell, pool);
    const file = vmFiles(pool, mark.mark, vm.name).definition;
    await writeDurably(file, renderDomain(pool, virtualization, vm, mark));
    await virsh(['define', '--validate', '--file', file]);
  }

  async function removeVms(operation: Operation, names?: string[]): Promise<void> {
    for (const domain of await listMarked(virsh, operation.mark)) {
      if (!names || names.includes(domain.mark.vm)) await undefine(virsh, domain);
    }
    await removeClusterFiles(pool, operation.mark, names);
  }

  /** Undoes what a reservation has made before it failed. */
  async function takeBack(operation: Operation, made: string[], cause: unknown): Promise<never> {
    const failure = toFailure(cause);
    if (made.length === 0) throw failure;
    await removeVms(operation, made).catch((error: unknown) => {
      const left = `${made.join(', ')} could not be undone: ${toFailure(error).message}`;
      throw new Failure(failure.kind, `${failure.message}; and ${left}`, { cause });
    });
    throw failure;
  }

  return {
    async capacity() {
      return capacityBeside(await listDomains(virsh));
    },

    async domains() {
      const now = Math.floor(Date.now() / 1000);
      return (await listDomains(virsh)).map((domain) => foundDomain(domain, now));
    },

    async reserve(operation, vms, leaseUntil) {
      for (const vm of vms) checkPolicy(policy, operation, vm);
      const domains = await listDomains(virsh);
      const now = Math.floor(Date.now() / 1000);
      const capacity = await capacityBeside(domains);
      const plan = planReservation(operation, vms, domains, capacity, now);
      for (const domain of plan.evict) {
        await undefine(virsh, domain);
        await removeClusterFiles(pool, domain.mark.mark, [domain.mark.vm]);
      }
      const made: string[] = [];
      try {
        for (const { vm, domain } of plan.vms) {
          if (!domain) made.push(vm.name);
          await reserveOne(operation, vm, domain, leaseUntil);
        }
      } catch (error) {
        await takeBack(operation, made, error);
      }
    },

    async ensure(operation, vms) {
      const own = await listMarked(virsh, operation.mark);
      for (const { vm, seed } of vms) {
        checkPolicy(policy, operation, vm);
        const domain = own.find((each) => each.mark.vm === vm.name);
        if (!domain) throw absent(operation.mark, vm.name);
        if (domain.power === 'running') continue;
        const purpose = seedPurpose(operation.mark.clusterId, vm.name);
        await ensureDisks(shell, pool, operation.mark, vm, await options.openSeed(seed, purpose));
        await redefine(operation, vm, domain, domain.mark.leaseUntil);
      }
    },

    async start(operation, names) {
      const own = await listMarked(virsh, operation.mark);
      const wanted = names.map((name) => {
        const found = own.find((each) => each.mark.vm === name);
        if (found) return found;
        throw absent(operation.mark, name);
      });
      const started: string[] = [];
      for (const domain of wanted.filter((each) => each.stalled)) {
        await virsh(['resume', '--domain', domain.uuid]);
      }
      for (const domain of wanted.filter((each) => each.power !== 'running')) {
        // Before the start: a lease must never end a VM that has run.
        if (!domain.mark.booted) await setMark(virsh, domain, { ...domain.mark, booted: true });
        await shortenConsole(vmFiles(pool, domain.mark.mark, domain.mark.vm).console);
        await virsh(['start', '--domain', domain.uuid], { timeoutMs: 60_000 });
        started.push(domain.mark.vm);
      }
      return started;
    },

    async stop(operation, names) {
      for (const domain of await listMarked(virsh, operation.mark)) {
        if (names.includes(domain.mark.vm)) await powerOff(virsh, domain);
      }
    },

    remove: removeVms,

    async describe(operation) {
      return (await listMarked(virsh, operation.mark)).map(({ name, power, stalled, mark }) => ({
        name: mark.vm,
        domain: name,
        container: mark.container,
        // It does nothing until it is started.
        power: stalled ? 'crashed' : power,
        booted: mark.booted,
      }));
    },

    async console(operation, name, bytes) {
      const { mark } = await findMarked(virsh, operation.mark, name);
      return readConsole(vmFiles(pool, mark.mark, mark.vm).console, bytes);
    },

    async guestExec(operation, name, program) {
      return execInGuest(virsh, (await findMarked(virsh, operation.mark, name)).uuid, program);
    },

    async guestPoll(operation, name, pid) {
      return pollGuest(virsh, (await findMarked(virsh, operation.mark, name)).uuid, pid);
    },

    async owned({ installation, clusterId }) {
      const domains = (await listDomains(virsh)).flatMap(({ name, mark }) =>
        mark ? [{ kind: 'vm' as const, name, mark: mark.mark }] : [],
      );
      const files = (await listClusterMarks(pool)).map((mark) => ({
        kind: 'file' as const,
        name: clusterDirectory(pool, mark.clusterId),
        mark,
      }));
      return [...domains, ...files]
        .filter(({ mark }) => mark.installation === installation)
        .filter(({ mark }) => clusterId === undefined || mark.clusterId === clusterId)
        .map(({ kind, name, mark }) => ({ host: policy.host, kind, name, ...mark }));
    },
  };

  async function reserveOne(
    operation: Operation,
    vm: VmDefinition,
    domain: Marked<Domain> | undefined,
    leaseUntil: number,
  ): Promise<void> {
    if (!domain) {
      await reserveFiles(pool, operation.mark, vm);
      await define(vm, markOf(operation.mark, vm, leaseUntil));
    } else if (domain.power !== 'running') {
      await redefine(operation, vm, domain, renewedLease(domain, leaseUntil));
    }
  }

  /** Defines a domain that does not run anew if that changes anything; else its lease alone, or nothing. */
  async function redefine(
    operation: Operation,
    vm: VmDefinition,
    domain: Marked<Domain>,
    leaseUntil: number,
  ): Promise<void> {
    const { mark: known } = domain;
    const mark = { ...markOf(operation.mark, vm, leaseUntil), booted: known.booted };
    if (known.definition !== mark.definition) {
      await reserveFiles(pool, operation.mark, vm);
      await define(vm, mark);
    } else if (known.leaseUntil !== leaseUntil) {
      await setMark(virsh, domain, { ...known, leaseUntil });
    }
  }
}
