import { addressAt, parseRange, sizeOf, type Range } from './address.ts';
import { Failure } from './failure.ts';
import {
  joinsContainers,
  n2nInsecureReason,
  type Edge,
  type OverlayKind,
  type OverlayTable,
} from './overlay.ts';
import { siteOf, type PlanInput, type SurveyedSite } from './plan-input.ts';
import { planPeers } from './plan-peers.ts';
import { planRouted } from './plan-routed.ts';
import { planVxlan } from './plan-vxlan.ts';
import { publicAddressOf } from './site.ts';
import type { Vm } from './vm.ts';

/**
 * Decides the overlay: its version, whether it relays, its supernode, and an edge with a port for each VM.
 *
 * @throws {Failure} BadInput, MissingTool or NoCapacity.
 */
export function planOverlay(
  input: PlanInput,
  vms: Vm[],
  network: string,
): { table: OverlayTable; warnings: string[] } {
  const { table, warnings } = planOverlayKind(input);
  const ports = new PortAllocator(input);
  const community = `mvc${input.clusterId}`;
  if (joinsContainers(table.kind)) {
    const edges = vms.map((vm, index) => planEdge(input.clusterId, vm, index));
    const peers = planPeers(input, edges, ports);
    return { table: { ...table, community, network, edges, peers }, warnings };
  }
  const origin = siteOf(input, input.spec.origin).site;
  const supernode = {
    site: origin.name,
    address: publicAddressOf(origin),
    port: ports.next(origin.name),
  };
  const edges = vms.map((vm, index) => planEdge(input.clusterId, vm, index, ports.next(vm.site)));
  return { table: { ...table, community, network, supernode, edges }, warnings };
}

/**
 * Kind, version and MTU of the overlay that the spec's sites can have together.
 *
 * @throws {Failure} BadInput or MissingTool.
 */
export function planOverlayKind(input: PlanInput): {
  table: Pick<OverlayTable, 'kind' | 'version' | 'mtu' | 'relayOnly' | 'outside'>;
  warnings: string[];
} {
  const { kind, insecure } = input.spec.overlay;
  const needed = kind === 'memory' ? 'memory' : 'libvirt';
  const other = input.sites.find(({ site }) => site.kind !== needed);
  if (other) {
    throw new Failure(
      'BadInput',
      `overlay ${kind} cannot join site ${other.site.name}, which is of kind ${other.site.kind}`,
      {
        help: 'sites of kind memory take the overlay memory (`--overlay memory`), all others one of the other kinds',
      },
    );
  }
  if (kind === 'memory') {
    return {
      table: { kind, version: '1.0', mtu: 1400, relayOnly: false },
      warnings: ['the overlay exists in memory only: for tests and demonstrations'],
    };
  }
  if (kind === 'routed') return planRouted(input);
  if (kind === 'vxlan') return planVxlan(input);
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

/** How many VMs a range holds: the gateway of one that joins containers has the last address. */
export function roomIn(range: Range, kind: OverlayKind): number {
  return sizeOf(range) - (joinsContainers(kind) ? 3 : 2);
}

/** The address that each VM container shows its VMs in an overlay that joins containers. */
export function gatewayOf(network: string): string {
  const range = parseRange(network);
  return addressAt(range, sizeOf(range) - 2);
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

/** @param index number of the VM in the cluster, unique among all that are there; 0 for the frontend. */
export function planEdge(clusterId: string, vm: Vm, index: number, udpPort?: number): Edge {
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
    ...(udpPort === undefined ? {} : { udpPort }),
  };
}

/** Gives out the lowest free UDP ports of sites. */
export class PortAllocator {
  private readonly used = new Map<string, Set<number>>();
  private readonly input: PlanInput;

  /** @param taken besides those of the ledger. */
  constructor(input: PlanInput, taken: { site: string; port: number }[] = []) {
    this.input = input;
    for (const { site, port } of taken) this.usedAt(site).add(port);
  }

  next(siteName: string): number {
    const used = this.usedAt(siteName);
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

  private usedAt(site: string): Set<number> {
    const used = this.used.get(site) ?? new Set(this.input.ledger.ports[site] ?? []);
    this.used.set(site, used);
    return used;
  }
}
