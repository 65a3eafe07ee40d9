import { indexOfMac, macCandidates, macFor } from './address.ts';
import type { Finding } from './drift.ts';
import { Failure } from './failure.ts';
import { whose, type ForeignDomain } from './foreign-domain.ts';
import type { FoundDomain } from './site.ts';
import { domainName, type Vm } from './vm.ts';

/** Another MAC for an interface of a VM that has never booted. */
export interface Reassignment {
  vm: Pick<Vm, 'name' | 'site' | 'container'>;
  kind: 'overlay' | 'site';
  from: string;
  to: string;
  /** What has the MAC that the VM had. */
  holder: ForeignDomain;
}

/** Of all interfaces of a VM. */
export function macsOf(vm: Pick<Vm, 'mac' | 'siteInterface'>): string[] {
  return vm.siteInterface ? [vm.mac, vm.siteInterface.mac] : [vm.mac];
}

export function sameMac({ macs }: Pick<FoundDomain, 'macs'>, mac: string): boolean {
  return macs.some((each) => each.toLowerCase() === mac);
}

/**
 * Gives another MAC to each interface whose MAC a domain of others has. Pure: the same VMs and domains
 * give the same MACs.
 *
 * @param vms those that never booted: nobody has learned their MACs yet.
 * @param used MACs of all recorded VMs.
 * @throws {Failure} Conflict if an interface has no MAC left that is free.
 */
export function reassignMacs(
  clusterId: string,
  vms: Vm[],
  foreign: ForeignDomain[],
  used: string[],
): Reassignment[] {
  const given = new Set(used);
  const holderOf = (mac: string) => foreign.find((domain) => sameMac(domain, mac));
  const reassign = (vm: Vm, kind: Reassignment['kind'], from: string): Reassignment[] => {
    const holder = holderOf(from);
    if (!holder) return [];
    const to = candidates(clusterId, from).find((mac) => !given.has(mac) && !holderOf(mac));
    if (to === undefined) throw noneLeft(vm, from, holder);
    given.add(to);
    const { name, site, container } = vm;
    return [{ vm: { name, site, container }, kind, from, to, holder }];
  };
  return vms.flatMap((vm) => [
    ...reassign(vm, 'overlay', vm.mac),
    ...(vm.siteInterface ? reassign(vm, 'site', vm.siteInterface.mac) : []),
  ]);
}

function candidates(clusterId: string, mac: string): string[] {
  const index = indexOfMac(mac);
  return Array.from({ length: macCandidates }, (_, n) => macFor(clusterId, index, n));
}

function noneLeft({ name }: Vm, mac: string, holder: ForeignDomain): Failure {
  return new Failure(
    'Conflict',
    `VM ${name} cannot have the MAC ${mac}, which is in use by ${whose(holder)}, and all ${macCandidates} MACs that it could have are taken`,
    { help: 'destroy the cluster and create it anew: then all its MACs are others' },
  );
}

/** A reassignment as one sentence. */
export function describeReassignment({ vm, from, to, holder }: Reassignment): string {
  return `VM ${vm.name} at ${vm.site}/${vm.container} gets the MAC ${to} in the place of ${from}, which is in use by ${whose(holder)}`;
}

/**
 * The MACs of a cluster's VMs that other domains have, too: somebody else's, another cluster's, or copies
 * of the cluster's own VMs. Nothing in the overlay would tell of it but lost packets.
 *
 * @param vms of the cluster, as recorded.
 * @param domains at all sites, the cluster's own included.
 * @param recent sites that have just been asked: elsewhere an own VM may have been, and have gone.
 */
export function findMacClashes(
  cluster: { name: string; id: string },
  vms: Vm[],
  domains: ForeignDomain[],
  recent: string[],
): Finding[] {
  return vms.flatMap((vm) => {
    const isItself = (domain: ForeignDomain) =>
      domain.mark?.clusterId === cluster.id &&
      domain.name === domainName(cluster.name, vm.name) &&
      domain.host === vm.container &&
      domain.site === vm.site;
    const others = domains.filter((domain) => {
      if (isItself(domain)) return false;
      return domain.mark?.clusterId !== cluster.id || recent.includes(domain.site);
    });
    return macsOf(vm).flatMap((mac) =>
      others.filter((domain) => sameMac(domain, mac)).map((domain) => finding(vm, mac, domain)),
    );
  });
}

function finding(vm: Vm, mac: string, holder: ForeignDomain): Finding {
  const { name, site, container } = vm;
  return {
    site,
    kind: 'mac',
    name,
    message: `the MAC ${mac} of VM ${name} at ${site}/${container} is also that of ${whose(holder)}; both were left untouched, and one of them has to get another MAC or go`,
  };
}
