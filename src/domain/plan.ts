import {
  addressAt,
  firstFreeRange,
  formatRange,
  macFor,
  overlaps,
  parseRange,
  prefixFor,
  sizeOf,
  type Range,
} from './address.ts';
import { n2nInsecureReason, type ClusterSpec } from './cluster.ts';
import { Failure } from './failure.ts';
import type { Edge, OverlayTable } from './overlay.ts';
import { placeVms } from './placement.ts';
import { publicAddressOf, type Site, type SiteFacts } from './site.ts';
import { domainName, type Vm } from './vm.ts';

/** A registered site and what it said last. */
export interface SurveyedSite {
  site: Site;
  facts: SiteFacts;
}

/** What other clusters already use. */
export interface Ledger {
  /** CIDR. */
  networks: string[];
  macs: string[];
  /** Site → UDP ports. */
  ports: Record<string, number[]>;
  /** Site → addresses in the site's own network. */
  siteAddresses: Record<string, string[]>;
}

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

export interface PlanInput {
  spec: ClusterSpec;
  clusterId: string;
  sites: SurveyedSite[];
  ledger: Ledger;
}

/**
 * Decides names, places, MACs, addresses and ports of a new cluster. Pure: the same input gives the
 * same plan.
 *
 * @throws {Failure} BadInput, NoCapacity, Conflict or MissingTool with the site and what helps.
 */
export function planCluster(input: PlanInput): ClusterPlan {
  const overlay = planOverlayKind(input);
  const range = planNetwork(input);
  const vms = planVms(input, range);
  checkNamesAndMacs(input, vms);
  const ports = new PortAllocator(input);
  const origin = siteOf(input, input.spec.origin);
  const supernode = {
    site: origin.site.name,
    address: publicAddressOf(origin.site),
    port: ports.next(origin.site.name),
  };
  const edges = vms.map((vm, index) => planEdge(input.clusterId, vm, index, ports.next(vm.site)));
  const network = formatRange(range);
  return {
    cluster: input.spec.name,
    clusterId: input.clusterId,
    network,
    vms,
    overlay: { ...overlay.table, community: `mvc${input.clusterId}`, network, supernode, edges },
    warnings: overlay.warnings,
  };
}

function planOverlayKind(input: PlanInput) {
  const { kind, insecure } = input.spec.overlay;
  const needed = kind === 'memory' ? 'memory' : 'libvirt';
  const other = input.sites.find(({ site }) => site.kind !== needed);
  if (other) {
    throw new Failure(
      'BadInput',
      `overlay ${kind} cannot join site ${other.site.name}, which is of kind ${other.site.kind}`,
    );
  }
  if (kind === 'memory') {
    return {
      table: { kind, version: '1.0', mtu: 1400, relayOnly: false },
      warnings: ['the overlay exists in memory only: for tests and demonstrations'],
    };
  }
  const version = commonN2nVersion(input.sites);
  if (!version.startsWith('1.')) {
    // 1290 is what n2n 3 gives its edges by default.
    return { table: { kind, version, mtu: 1290, relayOnly: false }, warnings: [] };
  }
  if (!insecure) {
    throw new Failure('BadInput', `overlay n2n ${version} is insecure: ${n2nInsecureReason}`, {
      help: 'say `overlay: { kind: n2n, insecure: true }` in the spec if you accept that',
    });
  }
  return {
    table: { kind, version, mtu: 1400, relayOnly: true },
    warnings: [`insecure overlay: ${n2nInsecureReason}`],
  };
}

/** Version families do not understand each other, so all hosts must have the same. */
function commonN2nVersion(sites: SurveyedSite[]): string {
  const found = new Map<string, string>();
  for (const { site, facts } of sites) {
    for (const host of facts.hosts) {
      const version = /^(\d+)\.(\d+)/.exec(host.tools['n2n'] ?? '');
      if (!version) {
        throw new Failure('MissingTool', `n2n is missing at site ${site.name}, host ${host.host}`, {
          help: "ask the site's administrator to install the Debian package n2n",
        });
      }
      found.set(`${version[1]}.${version[2]}`, `${site.name}/${host.host}`);
    }
  }
  const families = [...found.entries()];
  if (families.length > 1) {
    const list = families.map(([version, where]) => `${version} at ${where}`).join(', ');
    throw new Failure(
      'BadInput',
      `the sites have different versions of n2n (${list}), which do not understand each other`,
      {
        help: 'install the same version of n2n at all sites of the cluster',
      },
    );
  }
  return families[0]?.[0] ?? '';
}

function planNetwork(input: PlanInput): Range {
  const used = input.ledger.networks.map(parseRange);
  const hosts = 1 + input.spec.sites.reduce((sum, site) => sum + site.computes, 0);
  if (input.spec.network === undefined) {
    const lans = input.sites.map(({ site }) => siteRange(site));
    return firstFreeRange([...used, ...lans], prefixFor(hosts));
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
  if (sizeOf(range) - 2 < hosts) {
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
  const foreign = input.sites.flatMap(({ site, facts }) =>
    facts.hosts.flatMap((host) =>
      host.domains.map((domain) => ({ site: site.name, host: host.host, ...domain })),
    ),
  );
  for (const vm of vms) {
    const name = domainName(input.spec.name, vm.name);
    const taken = foreign.find((domain) => domain.site === vm.site && domain.name === name);
    if (taken) {
      throw new Failure(
        'Conflict',
        `site ${vm.site} already has a domain ${name} at ${taken.host} that does not belong to this cluster; it was left untouched`,
        { help: 'choose another cluster name, or ask whoever owns that domain to rename it' },
      );
    }
  }
  const macs = new Set([...foreign.flatMap((domain) => domain.macs), ...input.ledger.macs]);
  const clash = vms
    .flatMap((vm) => [vm.mac, ...(vm.siteInterface ? [vm.siteInterface.mac] : [])])
    .find((mac) => macs.has(mac));
  if (clash !== undefined) {
    throw new MacTaken(clash);
  }
}

/** A derived MAC is taken: plan again with another cluster id. */
export class MacTaken extends Failure {
  constructor(mac: string) {
    super('Conflict', `MAC ${mac} is already in use at a site or by another cluster`);
  }
}

function planEdge(clusterId: string, vm: Vm, index: number, udpPort: number): Edge {
  // 15 characters at most for an interface's name: kind, 8 digits of the cluster, number of the VM.
  const suffix = `${clusterId.slice(0, 8)}-${index.toString(36)}`;
  return {
    vm: vm.name,
    site: vm.site,
    container: vm.container,
    tap: `t${suffix}`,
    bridge: `b${suffix}`,
    mac: vm.mac,
    address: vm.address,
    udpPort,
  };
}

class PortAllocator {
  private readonly used = new Map<string, Set<number>>();
  private readonly input: PlanInput;

  constructor(input: PlanInput) {
    this.input = input;
  }

  next(siteName: string): number {
    const used = this.used.get(siteName) ?? new Set(this.input.ledger.ports[siteName] ?? []);
    this.used.set(siteName, used);
    const { first, last } = siteOf(this.input, siteName).site.udpPorts;
    for (let port = first; port <= last; port += 1) {
      if (used.has(port)) continue;
      used.add(port);
      return port;
    }
    throw new Failure(
      'NoCapacity',
      `site ${siteName} has no free UDP port left in ${first}–${last}`,
      {
        help: "ask the site's administrator for a wider range of ports",
      },
    );
  }
}

function siteOf(input: PlanInput, name: string): SurveyedSite {
  const found = input.sites.find(({ site }) => site.name === name);
  if (!found)
    throw new Failure('BadInput', `site ${name} is not registered`, {
      help: '`mvc site list` shows the registered sites',
    });
  return found;
}
