import { Failure } from '../../../domain/failure.ts';
import type { Operation } from '../../../domain/mark.ts';
import { hostReserveMiB } from '../../../domain/placement.ts';
import { imageNotBuilt, type VmDefinition } from '../../../domain/vm.ts';
import { sum, type Capacity } from './capacity.ts';
import { domainUuid } from './domain-mark.ts';
import { isMarked, type Domain } from './inventory.ts';

/** What a reservation will do at this host. */
export interface ReservationPlan {
  /** With their domain, if they are defined already. */
  vms: { vm: VmDefinition; domain?: Domain }[];
  /** Reservations that ran out and that stand in the way. */
  evict: Domain[];
}

/**
 * Decides whether all the VMs fit beside what is there.
 *
 * @param now seconds since 1970.
 * @throws {Failure} Conflict when a name, UUID or MAC is somebody else's; NoCapacity with the figures.
 */
export function planReservation(
  operation: Operation,
  vms: VmDefinition[],
  domains: Domain[],
  capacity: Capacity,
  now: number,
): ReservationPlan {
  const planned = vms.map((vm) => withDomain(operation, vm, domains));
  const own = new Set(planned.map(({ domain }) => domain));
  const others = domains.filter((each) => !own.has(each));
  const ended = others
    .filter((each) => hasRunOut(each, operation, now))
    .sort((a, b) => (a.mark?.leaseUntil ?? 0) - (b.mark?.leaseUntil ?? 0));
  const inTheWay = ended.filter((each) => planned.some(({ vm }) => clashOf(operation, vm, each)));
  for (const { vm } of planned) {
    for (const other of others.filter((each) => !inTheWay.includes(each))) {
      const clash = clashOf(operation, vm, other);
      if (clash) throw conflict(vm, other, clash);
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

function withDomain(operation: Operation, vm: VmDefinition, domains: Domain[]) {
  const domain = domains.find(
    (each) => isMarked(each, operation.mark) && each.mark?.vm === vm.name,
  );
  if (!domain) return { vm };
  // A reservation that is renewed while its image is being built again does not lose the one it has.
  const image = vm.image === imageNotBuilt ? (domain.mark?.image ?? vm.image) : vm.image;
  return { vm: { ...vm, image }, domain };
}

function hasRunOut(domain: Domain, operation: Operation, now: number): boolean {
  const { mark, power } = domain;
  if (!mark || mark.booted || power === 'running' || mark.leaseUntil > now) return false;
  // Another installation's reservation is for that installation to take back.
  return mark.mark.installation === operation.mark.installation;
}

function clashOf(operation: Operation, vm: VmDefinition, other: Domain): string | undefined {
  if (other.name === vm.domain) return `a domain ${vm.domain}`;
  const uuid = domainUuid(operation.mark, vm.name);
  if (other.uuid === uuid) return `a domain with the UUID ${uuid} (${other.name})`;
  const macs = [vm.mac, ...(vm.siteInterface ? [vm.siteInterface.mac] : [])];
  const mac = macs.find((each) => other.macs.includes(each));
  return mac === undefined ? undefined : `a domain with the MAC ${mac} (${other.name})`;
}

function conflict(vm: VmDefinition, other: Domain, clash: string): Failure {
  const owner = other.mark
    ? `cluster ${other.mark.mark.cluster} (${other.mark.mark.clusterId})`
    : 'somebody else';
  return new Failure(
    'Conflict',
    `${clash} exists already and belongs to ${owner}; it was left untouched, and ${vm.name} was not made`,
    { help: 'choose another cluster name, or ask whoever owns that domain to rename or remove it' },
  );
}

/** Tells, for given evictions, what would still lack, one sentence each. */
function lack(planned: ReservationPlan['vms'], capacity: Capacity) {
  const defined = planned.flatMap(({ domain }) => (domain ? [domain] : []));
  const needs = {
    cpus: sum(planned, ({ vm }) => vm.cpus) - sum(defined, (each) => each.cpus),
    memoryMiB: sum(planned, ({ vm }) => vm.memoryMiB) - sum(defined, (each) => each.memoryMiB),
    poolMiB: sum(planned, ({ vm, domain }) => (domain ? 0 : (vm.diskGiB ?? 0) * 1024)),
  };
  return (evicted: Domain[]): string[] => {
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
