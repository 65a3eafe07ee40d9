import { Failure } from '../../domain/failure.ts';
import { sameMark, type Mark, type Operation } from '../../domain/mark.ts';
import { hostReserveMiB } from '../../domain/placement.ts';
import type { FoundDomain, HostFacts } from '../../domain/site.ts';
import { imageNotBuilt, type VmDefinition } from '../../domain/vm.ts';
import { domainUuid } from './domain-uuid.ts';

export type Capacity = NonNullable<HostFacts['capacity']>;

/** A domain at a VM container, as far as it matters to a reservation. */
export interface PresentDomain {
  uuid: string;
  name: string;
  cpus: number;
  memoryMiB: number;
  macs: string[];
  power: 'off' | 'running' | 'crashed';
  /** Absent if it is not ours. */
  mark?: { mark: Mark; vm: string; image: string; leaseUntil: number; booted: boolean };
}

/** A domain with our mark. */
export type Marked<D extends PresentDomain> = D & { mark: NonNullable<D['mark']> };

/** What a reservation will do at this host. */
export interface ReservationPlan<D extends PresentDomain> {
  /** With their domain, if they are defined already. */
  vms: { vm: VmDefinition; domain?: Marked<D> }[];
  /** Reservations that ran out and that stand in the way. */
  evict: Marked<D>[];
}

/**
 * Decides whether all the VMs fit beside what is there.
 *
 * @param now seconds since 1970.
 * @throws {Failure} Conflict when a name, UUID or MAC is somebody else's; NoCapacity with the figures.
 */
export function planReservation<D extends PresentDomain>(
  operation: Operation,
  vms: VmDefinition[],
  domains: D[],
  capacity: Capacity,
  now: number,
): ReservationPlan<D> {
  const planned = vms.map((vm) => withDomain(operation, vm, domains));
  const own = new Set<D | undefined>(planned.map(({ domain }) => domain));
  const others = domains.filter((each) => !own.has(each));
  const ended = others
    .filter((each) => isMarked(each))
    .filter((each) => hasRunOut(each, operation, now))
    .sort((a, b) => a.mark.leaseUntil - b.mark.leaseUntil);
  const inTheWay = ended.filter((each) => planned.some(({ vm }) => clashOf(operation, vm, each)));
  for (const each of planned) {
    for (const other of others.filter((one) => !inTheWay.some((ended) => ended === one))) {
      const clash = clashOf(operation, each.vm, other);
      if (clash) throw conflict(each, other, clash);
    }
  }
  const lacking = lack(planned, capacity);
  const evict = [...inTheWay];
  for (const each of ended.filter((each) => !inTheWay.includes(each))) {
    if (lacking(evict).length > 0) evict.push(each);
  }
  const reasons = lacking(evict);
  if (reasons.length > 0) {
    throw new Failure(
      'NoCapacity',
      `this VM container cannot hold ${vms.map((vm) => vm.name).join(', ')}: ${reasons.join('; ')}`,
      { help: 'ask for fewer or smaller VMs here, or ask the site for more' },
    );
  }
  return { vms: planned, evict };
}

/** Whether the domain is one of ours, or of the cluster if its mark is given. */
export function isMarked<D extends PresentDomain>(domain: D, mark?: Mark): domain is Marked<D> {
  return domain.mark !== undefined && (mark === undefined || sameMark(domain.mark.mark, mark));
}

export function sum<T>(items: T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function withDomain<D extends PresentDomain>(
  operation: Operation,
  vm: VmDefinition,
  domains: D[],
): ReservationPlan<D>['vms'][number] {
  const domain = domains
    .filter((each) => isMarked(each, operation.mark))
    .find((each) => each.mark.vm === vm.name);
  if (!domain) return { vm };
  // A reservation that is renewed while its image is being built again does not lose the one it has.
  const image = vm.image === imageNotBuilt ? domain.mark.image : vm.image;
  return { vm: { ...vm, image }, domain };
}

function hasRunOut(domain: Marked<PresentDomain>, operation: Operation, now: number): boolean {
  // Another installation's reservation is for that installation to take back.
  return hasLapsed(domain, now) && domain.mark.mark.installation === operation.mark.installation;
}

/** A reservation that nobody booted and whose lease is over. */
function hasLapsed({ mark, power }: Marked<PresentDomain>, now: number): boolean {
  return !mark.booted && power !== 'running' && mark.leaseUntil <= now;
}

/**
 * A domain as the facts of its host tell of it.
 *
 * @param now seconds since 1970.
 */
export function foundDomain(domain: PresentDomain, now: number): FoundDomain {
  const { cpus, memoryMiB } = domain;
  return {
    name: domain.name.slice(0, 256),
    macs: domain.macs.map((mac) => mac.slice(0, 32)),
    ...(domain.mark ? { mark: domain.mark.mark } : {}),
    ...(isMarked(domain) && hasLapsed(domain, now) ? { lapsed: { cpus, memoryMiB } } : {}),
  };
}

/** Until when a reservation that is renewed holds: never less long than it did. */
export function renewedLease(domain: Marked<PresentDomain>, leaseUntil: number): number {
  // A booted VM's lease means nothing any more: it is left as it is.
  return domain.mark.booted ? domain.mark.leaseUntil : Math.max(domain.mark.leaseUntil, leaseUntil);
}

interface Clash {
  what: string;
  /** Set if it is about this MAC. */
  mac?: string;
}

function clashOf(operation: Operation, vm: VmDefinition, other: PresentDomain): Clash | undefined {
  if (other.name === vm.domain) return { what: `a domain ${vm.domain}` };
  const uuid = domainUuid(operation.mark, vm.name);
  if (other.uuid === uuid) return { what: `a domain with the UUID ${uuid} (${other.name})` };
  const macs = [vm.mac, ...(vm.siteInterface ? [vm.siteInterface.mac] : [])];
  const mac = macs.find((each) => other.macs.includes(each));
  return mac === undefined
    ? undefined
    : { what: `a domain with the MAC ${mac} (${other.name})`, mac };
}

function conflict(
  { vm, domain }: ReservationPlan<PresentDomain>['vms'][number],
  other: PresentDomain,
  { what, mac }: Clash,
): Failure {
  const owner = other.mark
    ? `cluster ${other.mark.mark.cluster} (${other.mark.mark.clusterId})`
    : 'somebody else';
  if (mac !== undefined && domain?.mark.booted) return bootedConflict(vm, other, owner, mac);
  const help =
    mac === undefined
      ? 'choose another cluster name, or ask whoever owns that domain to rename or remove it'
      : `ask whoever owns ${other.name} to give it another MAC or to remove it`;
  return new Failure(
    'Conflict',
    `${what} exists already at ${vm.site}/${vm.container} and belongs to ${owner}; it was left untouched, and ${vm.name} was not made`,
    { help },
  );
}

/** Others have learned a booted VM's MAC, and its own system is set up for it: so it keeps that. */
function bootedConflict(
  vm: VmDefinition,
  other: PresentDomain,
  owner: string,
  mac: string,
): Failure {
  return new Failure(
    'Conflict',
    `VM ${vm.name} (domain ${vm.domain}) at ${vm.site}/${vm.container} was booted with the MAC ${mac}, and the domain ${other.name} of ${owner} there has it by now, too; both were left untouched`,
    {
      help: `ask whoever owns ${other.name} to give it another MAC or to remove it, or let ${vm.name} leave by \`mvc scale\``,
    },
  );
}

/** Tells, for given evictions, what would still lack, one sentence each. */
function lack(planned: ReservationPlan<PresentDomain>['vms'], capacity: Capacity) {
  const defined = planned.flatMap(({ domain }) => (domain ? [domain] : []));
  const needs = {
    cpus: sum(planned, ({ vm }) => vm.cpus) - sum(defined, (each) => each.cpus),
    memoryMiB: sum(planned, ({ vm }) => vm.memoryMiB) - sum(defined, (each) => each.memoryMiB),
    poolMiB: sum(planned, ({ vm, domain }) => (domain ? 0 : (vm.diskGiB ?? 0) * 1024)),
  };
  return (evicted: PresentDomain[]): string[] => {
    const free = {
      cpus: capacity.cpus - capacity.committedCpus + sum(evicted, (each) => each.cpus),
      memoryMiB:
        capacity.memoryMiB -
        hostReserveMiB -
        capacity.committedMiB +
        sum(evicted, (each) => each.memoryMiB),
      poolMiB: capacity.poolFreeMiB,
    };
    const given = 'given to domains, whoever made them';
    return [
      ...(needs.cpus > Math.max(0, free.cpus)
        ? [
            `${needs.cpus} more cpus needed, ${free.cpus} of ${capacity.cpus} left (${capacity.committedCpus} ${given})`,
          ]
        : []),
      ...(needs.memoryMiB > Math.max(0, free.memoryMiB)
        ? [
            `${needs.memoryMiB} MiB more memory needed, ${free.memoryMiB} of ${capacity.memoryMiB} MiB left (${capacity.committedMiB} ${given}, ${hostReserveMiB} kept for the host)`,
          ]
        : []),
      ...(needs.poolMiB > free.poolMiB
        ? [`${needs.poolMiB} MiB of disk needed, ${free.poolMiB} MiB left in the pool`]
        : []),
    ];
  };
}
