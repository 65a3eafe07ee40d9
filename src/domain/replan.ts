import { addressAt, indexOfMac, macFor, parseRange, toNumber } from './address.ts';
import { computesAt, diffSpecs } from './spec-diff.ts';
import type { ClusterSpec } from './cluster.ts';
import { Failure } from './failure.ts';
import { checkName, foreignDomains } from './foreign-domain.ts';
import { joinsContainers, portsOf, type OverlayTable } from './overlay.ts';
import type { ChangedPlan } from './plan-change.ts';
import { siteOf, type PlanInput, type SurveyedSite } from './plan-input.ts';
import { refuseLans } from './plan-network.ts';
import { planEdge, planOverlayKind, PortAllocator, roomIn } from './plan-overlay.ts';
import { planPeers } from './plan-peers.ts';
import { Rooms, type Size } from './placement.ts';
import type { RecordedCluster, RecordedVm } from './recorded-cluster.ts';
import { refuseImpossible } from './spec-change.ts';
import { domainName, type Vm } from './vm.ts';
import { isStaying } from './vm-state.ts';

/**
 * Decides what another spec makes of a recorded cluster. VMs that stay keep name, MAC, address,
 * VM container, port and edge: no VM ever moves. One that has no room at its VM container (any more)
 * leaves, and another one joins for it. What a leaving VM has is not given out before it is gone.
 * Pure: the same input gives the same plan.
 *
 * @param input with the new spec; its ledger may hold what this cluster itself uses.
 * @throws {Failure} Conflict for what cannot be changed; BadInput, NoCapacity or MissingTool, with
 *   the site and what helps.
 */
export function replanCluster(input: PlanInput, recorded: RecordedCluster): ChangedPlan {
  refuseImpossible(recorded, input.spec);
  const overlay = overlayFor(input, recorded);
  refuseLans(recorded.network, joining(input, recorded));
  const sites = input.spec.sites.map(({ name }) => new SitePlan(input, recorded, name));
  const kept = sites.flatMap((site) => site.kept);
  const numbers = new Numbers(input, recorded);
  const added = sites.flatMap((site) => site.added()).map((vm) => numbers.give(vm));
  const foreign = foreignDomains(input);
  for (const vm of added) checkName(input.spec.name, vm, foreign);
  const vms = [...kept, ...added].toSorted((a, b) => indexOf(a) - indexOf(b));
  return {
    spec: input.spec,
    plan: {
      cluster: input.spec.name,
      clusterId: input.clusterId,
      network: recorded.network,
      vms,
      overlay: replanOverlay(input, recorded, vms),
      warnings: overlay.warnings,
    },
    change: {
      spec: diffSpecs(recorded.spec, input.spec),
      added,
      changed: kept.filter((vm) => isChanged(vm, recorded)),
      removed: recorded.vms
        .filter((vm) => isStaying(vm) && !kept.some((each) => each.name === vm.name))
        .map((vm) => vm.name),
    },
  };
}

/** Sites that the cluster was not at before. */
function joining({ sites }: PlanInput, recorded: RecordedCluster): SurveyedSite[] {
  const known = recorded.spec.sites.map(({ name }) => name);
  return sites.filter(({ site }) => !known.includes(site.name));
}

/** @throws {Failure} Conflict if the sites cannot join the overlay that is there. */
function overlayFor(input: PlanInput, { overlay }: RecordedCluster): { warnings: string[] } {
  const { table, warnings } = planOverlayKind(input);
  if (table.version !== overlay.version) {
    throw new Failure(
      'Conflict',
      `the sites have ${table.kind} ${table.version} by now, and the cluster's overlay was made with ${overlay.version}`,
      { help: 'install the version of the overlay at all its sites, or build the cluster anew' },
    );
  }
  return { warnings };
}

/** One site's VMs: which stay, and which join. */
class SitePlan {
  readonly kept: Vm[];
  private readonly missing: number;
  private readonly rooms: Rooms;
  private readonly input: PlanInput;
  private readonly recorded: RecordedCluster;
  private readonly site: string;

  constructor(input: PlanInput, recorded: RecordedCluster, site: string) {
    this.input = input;
    this.recorded = recorded;
    this.site = site;
    const here = recorded.vms.filter((vm) => vm.site === site);
    const wanted = computesAt(input.spec, site);
    const computes = here
      .filter((vm) => isStaying(vm) && vm.role === 'compute')
      .toSorted((a, b) => numberOf(a) - numberOf(b))
      .slice(0, wanted);
    const staying = here.filter((vm) => vm.role === 'frontend' || computes.includes(vm));
    this.rooms = new Rooms(siteOf(input, site).facts);
    this.settle(here, staying);
    this.kept = staying.flatMap((vm) => this.keep(vm));
    this.missing = wanted - this.kept.filter((vm) => vm.role === 'compute').length;
  }

  /** The VMs that join, with a name and a place. @throws {Failure} NoCapacity. */
  added(): Omit<Vm, 'mac' | 'address'>[] {
    const { cpus, memoryMiB } = this.input.spec.compute;
    const demands = this.freeNames().map((name) => ({ name, cpus, memoryMiB }));
    const places = this.rooms.place(demands);
    return demands.map((demand) => ({
      ...demand,
      role: 'compute',
      site: this.site,
      container: places.get(demand.name) ?? '',
    }));
  }

  private freeNames(): string[] {
    const used = new Set(this.recorded.vms.map((vm) => vm.name));
    const names: string[] = [];
    for (let n = 0; names.length < this.missing; n += 1) {
      const name = `compute-${this.site}-${n}`;
      if (!used.has(name)) names.push(name);
    }
    return names;
  }

  /** Counts what the site's answer does not tell: reservations that are to come, and room to come. */
  private settle(here: RecordedVm[], staying: RecordedVm[]): void {
    for (const vm of here) {
      const stays = staying.includes(vm);
      const counted = this.isAtSite(vm);
      if (!stays && counted) this.rooms.giveBack(vm.container, vm);
      if (stays && !counted && vm.state !== 'planned') this.rooms.take(vm.container, vm);
    }
  }

  /** The VM with its size by the new spec; nothing if it has no room at its place. */
  private keep(vm: RecordedVm): Vm[] {
    const { state, ...planned } = vm;
    const wanted = { ...planned, ...sizeOfVm(this.input.spec, vm) };
    const placed = state !== 'planned' || this.isAtSite(vm);
    if (placed && isSameSize(wanted, vm)) return [wanted];
    if (placed) this.rooms.giveBack(vm.container, vm);
    if (this.rooms.fits(vm.container, wanted)) {
      this.rooms.take(vm.container, wanted);
      return [wanted];
    }
    if (vm.role === 'frontend') throw this.noRoomForFrontend(wanted);
    return [];
  }

  /** True if what the site says is committed has the VM in it. */
  private isAtSite(vm: Vm): boolean {
    const name = domainName(this.input.spec.name, vm.name);
    const { facts } = siteOf(this.input, this.site);
    const host = facts.hosts.find((each) => each.host === vm.container);
    return (host?.domains ?? []).some(
      (domain) => domain.name === name && domain.mark?.clusterId === this.input.clusterId,
    );
  }

  private noRoomForFrontend({ container, cpus, memoryMiB }: Vm): Failure {
    return new Failure(
      'NoCapacity',
      `the frontend VM has its place at VM container ${container} of site ${this.site}, which has not ${cpus} cpus and ` +
        `${memoryMiB} MiB left (free: ${this.rooms.describe()})`,
      {
        help: 'ask for a smaller frontend, or destroy the cluster and build it anew: then it is placed anew',
      },
    );
  }
}

/** Gives VMs that join their number in the cluster, of which MAC and address follow. */
class Numbers {
  private readonly used: Set<number>;
  private readonly macs: Set<string>;
  private readonly input: PlanInput;
  private readonly recorded: RecordedCluster;

  constructor(input: PlanInput, recorded: RecordedCluster) {
    this.input = input;
    this.recorded = recorded;
    const range = parseRange(recorded.network);
    this.used = new Set(
      recorded.vms.flatMap((vm) => [indexOf(vm), toNumber(vm.address) - range.base]),
    );
    const foreign = foreignDomains(input);
    const own = recorded.vms.flatMap((vm) => vm.siteInterface?.mac ?? []);
    this.macs = new Set([
      ...foreign.flatMap(({ macs }) => macs.map((mac) => mac.toLowerCase())),
      ...input.ledger.macs,
      ...own,
    ]);
  }

  /** @throws {Failure} NoCapacity if the network is full. */
  give(vm: Omit<Vm, 'mac' | 'address'>): Vm {
    const range = parseRange(this.recorded.network);
    for (let index = 1; index <= roomIn(range, this.recorded.overlay.kind); index += 1) {
      const mac = macFor(this.input.clusterId, index);
      if (this.used.has(index) || this.macs.has(mac)) continue;
      this.used.add(index);
      return { ...vm, mac, address: addressAt(range, index) };
    }
    throw this.full();
  }

  private full(): Failure {
    const { network, vms } = this.recorded;
    const leaving = vms.filter((vm) => !isStaying(vm)).length;
    const also = leaving > 0 ? ` (${leaving} of them leaving)` : '';
    return new Failure(
      'NoCapacity',
      `network ${network} has no free address for another VM: ${vms.length} VMs have one${also}`,
      { help: 'ask for fewer VMs, or build another cluster with a larger `network`' },
    );
  }
}

function replanOverlay(input: PlanInput, { overlay }: RecordedCluster, vms: Vm[]): OverlayTable {
  const ports = new PortAllocator(input, portsOf(overlay));
  const routed = joinsContainers(overlay.kind);
  const edges = vms.map((vm) => {
    const edge = overlay.edges.find((each) => each.vm === vm.name);
    const port = routed || edge ? undefined : ports.next(vm.site);
    return edge ?? planEdge(input.clusterId, vm, indexOf(vm) - 1, port);
  });
  if (!routed) return { ...overlay, edges };
  return { ...overlay, edges, peers: planPeers(input, edges, ports, overlay.peers) };
}

/** A VM's number in its cluster, 1 for the frontend: its MAC is made of it. */
function indexOf({ mac }: Pick<Vm, 'mac'>): number {
  return indexOfMac(mac);
}

/** The n of `compute-<site>-<n>`. */
function numberOf({ name }: Pick<Vm, 'name'>): number {
  return Number(name.slice(name.lastIndexOf('-') + 1));
}

function sizeOfVm(spec: ClusterSpec, { role }: Vm): Size & { diskGiB?: number } {
  return role === 'frontend' ? spec.frontend : spec.compute;
}

function isSameSize(a: Vm, b: Vm): boolean {
  return a.cpus === b.cpus && a.memoryMiB === b.memoryMiB && a.diskGiB === b.diskGiB;
}

function isChanged(vm: Vm, recorded: RecordedCluster): boolean {
  const before = recorded.vms.find((each) => each.name === vm.name);
  return before !== undefined && !isSameSize(vm, before);
}
