import {
  addressAt,
  firstFreeRange,
  formatRange,
  macFor,
  overlaps,
  parseRange,
  prefixFor,
  type Range,
} from './address.ts';
import { Failure } from './failure.ts';
import type { OverlayTable } from './overlay.ts';
import { siteOf, type PlanInput } from './plan-input.ts';
import { planOverlay, roomIn } from './plan-overlay.ts';
import { placeVms } from './placement.ts';
import type { FoundDomain, Site } from './site.ts';
import { domainName, type Vm } from './vm.ts';

/** Everything that a build will make, before any site is asked. */
export interface ClusterPlan {
  cluster: string;
  clusterId: string;
  network: string;
  vms: Vm[];
  overlay: OverlayTable;
  /** Sentences that a person should read before saying yes. */
  warnings: string[];
}

/**
 * Decides names, places, MACs, addresses and ports of a new cluster. Pure: the same input gives the
 * same plan.
 *
 * @throws {Failure} BadInput, NoCapacity, Conflict or MissingTool with the site and what helps.
 */
export function planCluster(input: PlanInput): ClusterPlan {
  const range = planNetwork(input);
  const vms = planVms(input, range);
  checkNamesAndMacs(input, vms);
  const network = formatRange(range);
  const overlay = planOverlay(input, vms, network);
  return {
    cluster: input.spec.name,
    clusterId: input.clusterId,
    network,
    vms,
    overlay: overlay.table,
    warnings: overlay.warnings,
  };
}

function planNetwork(input: PlanInput): Range {
  const used = input.ledger.networks.map(parseRange);
  const hosts = 1 + input.spec.sites.reduce((sum, site) => sum + site.computes, 0);
  if (input.spec.network === undefined) {
    const lans = input.sites.map(({ site }) => siteRange(site));
    return firstFreeRange([...used, ...lans], prefixFor(hosts + 1));
  }
  const range = parseRange(input.spec.network);
  const clash = used.find((each) => overlaps(each, range));
  if (clash) {
    throw new Failure(
      'Conflict',
      `network ${input.spec.network} overlaps ${formatRange(clash)}, which another cluster uses`,
      {
        help: 'choose another range, or leave `network` out',
      },
    );
  }
  const lan = input.sites.find(({ site }) => overlaps(siteRange(site), range));
  if (lan) {
    throw new Failure(
      'Conflict',
      `network ${input.spec.network} overlaps the own network of site ${lan.site.name}`,
    );
  }
  if (roomIn(range, input.spec.overlay.kind) < hosts) {
    throw new Failure(
      'BadInput',
      `network ${input.spec.network} has not enough addresses for ${hosts} VMs`,
    );
  }
  return range;
}

function siteRange(site: Site): Range {
  const prefix = site.network.prefixLength;
  const gateway = parseRange(`${site.network.gateway}/32`).base;
  return { base: gateway - (gateway % 2 ** (32 - prefix)), prefix };
}

function planVms(input: PlanInput, range: Range): Vm[] {
  const { spec, clusterId } = input;
  const vms: Vm[] = [];
  // The frontend is the first VM in every list, and its address the first of the range.
  const order = [...spec.sites].sort(
    (a, b) => Number(b.name === spec.origin) - Number(a.name === spec.origin),
  );
  for (const { name: siteName, computes } of order) {
    const surveyed = siteOf(input, siteName);
    const isOrigin = siteName === spec.origin;
    const demands = [
      ...(isOrigin ? [{ name: 'frontend', ...spec.frontend }] : []),
      ...Array.from({ length: computes }, (_, n) => ({
        name: `compute-${siteName}-${n}`,
        ...spec.compute,
      })),
    ];
    const places = placeVms(surveyed.facts, demands);
    for (const demand of demands) {
      const index = vms.length + 1;
      const base = {
        name: demand.name,
        site: siteName,
        container: places.get(demand.name) ?? '',
        mac: macFor(clusterId, index),
        address: addressAt(range, index),
        cpus: demand.cpus,
        memoryMiB: demand.memoryMiB,
      };
      vms.push(
        demand.name === 'frontend'
          ? {
              ...base,
              role: 'frontend',
              diskGiB: spec.frontend.diskGiB,
              siteInterface: planSiteInterface(input, surveyed.site, index),
            }
          : { ...base, role: 'compute' },
      );
    }
  }
  return vms;
}

function planSiteInterface(input: PlanInput, site: Site, index: number) {
  const used = input.ledger.siteAddresses[site.name] ?? [];
  const address = site.network.addresses.find((each) => !used.includes(each));
  if (address === undefined) {
    throw new Failure(
      'NoCapacity',
      `site ${site.name} has no free address for a frontend VM: all ${site.network.addresses.length} are in use`,
      {
        help: "destroy a cluster, or ask the site's administrator for more addresses",
      },
    );
  }
  return { bridge: site.network.bridge, mac: macFor(input.clusterId, 0x8000 + index), address };
}

function checkNamesAndMacs(input: PlanInput, vms: Vm[]): void {
  const foreign = foreignDomains(input);
  for (const vm of vms) checkName(input.spec.name, vm, foreign);
  const macs = new Set([...foreign.flatMap((domain) => domain.macs), ...input.ledger.macs]);
  const clash = vms
    .flatMap((vm) => [vm.mac, ...(vm.siteInterface ? [vm.siteInterface.mac] : [])])
    .find((mac) => macs.has(mac));
  if (clash !== undefined) {
    throw new MacTaken(clash);
  }
}

/** A domain at a site that is not of the cluster being planned. */
export interface ForeignDomain extends FoundDomain {
  site: string;
  host: string;
}

/** All domains at the sites of a plan, but for those of the cluster itself. */
export function foreignDomains(input: PlanInput): ForeignDomain[] {
  return input.sites.flatMap(({ site, facts }) =>
    facts.hosts.flatMap((host) =>
      host.domains
        .filter((domain) => domain.mark?.clusterId !== input.clusterId)
        .map((domain) => ({ site: site.name, host: host.host, ...domain })),
    ),
  );
}

/** @throws {Failure} Conflict if somebody else's domain at the VM's site has the VM's name. */
export function checkName(cluster: string, vm: Vm, foreign: ForeignDomain[]): void {
  const name = domainName(cluster, vm.name);
  const taken = foreign.find((domain) => domain.site === vm.site && domain.name === name);
  if (!taken) return;
  throw new Failure(
    'Conflict',
    `site ${vm.site} already has a domain ${name} at ${taken.host} that does not belong to this cluster; it was left untouched`,
    { help: 'choose another cluster name, or ask whoever owns that domain to rename it' },
  );
}

/** A derived MAC is taken: plan again with another cluster id. */
export class MacTaken extends Failure {
  constructor(mac: string) {
    super('Conflict', `MAC ${mac} is already in use at a site or by another cluster`);
  }
}
