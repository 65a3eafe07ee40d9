import { controlQueue, siteQueue } from '../../src/domain/engine-names.ts';
import type { MemorySite } from '../../src/domain/site.ts';
import type { MemoryDomain } from '../../src/drivers/site/memory/world-state.ts';
import type { Random } from './engine/random.ts';
import { installation, type Rig } from './rig.ts';

/** Of the few MACs that an interface can have. */
const macsTakenAtMost = 4;

/** What breaks by itself at the sites and between them, until it is told to stop. */
export class Gremlin {
  private readonly rig: Rig;
  private readonly sites: MemorySite[];
  private readonly random: Random;
  private resting = false;
  private macsTaken = 0;

  constructor(rig: Rig, sites: MemorySite[], random: Random) {
    this.rig = rig;
    this.sites = sites;
    this.random = random;
    const { random: draw } = this;
    // Some seeds are quiet, others are not.
    const everyMs = draw.pick([2, 5, 10, 60]) * 60_000;
    const next = () => {
      if (this.resting) return;
      this.strike();
      rig.clock.after(draw.int(everyMs / 4, everyMs * 2), next);
    };
    rig.clock.after(draw.int(1000, everyMs), next);
    const thief = random.fork('thief');
    rig.written.push(() => {
      // VMs are planned for seconds only, so that a strike now and then would miss them.
      if (!this.resting && thief.chance(0.05)) {
        rig.clock.after(thief.int(1, 3000), () => this.takeMac(thief));
      }
    });
  }

  /** Everything that is away comes back, and nothing breaks any more. */
  rest(): void {
    this.resting = true;
    for (const site of this.sites) this.rig.world.away(site.name, false);
    this.rig.server.reviveWorkers();
  }

  private strike(): void {
    const { random } = this;
    const site = random.pick(this.sites).name;
    const strikes: [number, () => void][] = [
      [3, () => this.siteAway(site)],
      [2, () => this.rig.server.killWorker(siteQueue(site), random.int(0, 20_000))],
      [1, () => this.rig.server.killWorker(siteQueue(site), random.int(60_000, 600_000))],
      [2, () => this.rig.server.killWorker(controlQueue, random.int(0, 60_000))],
      [3, () => this.breakVm(site)],
      [1, () => this.breakEdge(site)],
      [1, () => this.breakSupernode(site)],
    ];
    const total = strikes.reduce((sum, [weight]) => sum + weight, 0);
    let left = random.next() * total;
    for (const [weight, strike] of strikes) {
      left -= weight;
      if (left < 0) return strike();
    }
  }

  private siteAway(site: string): void {
    this.rig.world.away(site, true);
    this.rig.clock.after(this.random.int(5_000, 900_000), () => {
      if (!this.resting) this.rig.world.away(site, false);
    });
  }

  private breakVm(site: string): void {
    const { world, checker, log } = this.rig;
    const state = world.state.sites[site];
    const running = (state?.domains ?? []).filter(
      (domain) => isOurs(domain) && domain.power === 'running',
    );
    if (!state || running.length === 0) return;
    const domain = this.random.pick(running);
    const { mark } = domain;
    if (!mark) return;
    const how = this.random.pick(['crashed', 'crashed', 'off', 'gone'] as const);
    log(`! VM ${mark.vm} of ${mark.mark.cluster} at ${site} is ${how}`);
    checker.fell(site, mark.mark.clusterId, mark.vm);
    if (how !== 'gone') {
      domain.power = how;
      return;
    }
    checker.forget(site, mark.mark.clusterId, 'reserve', mark.vm);
    state.domains = state.domains.filter((each) => each !== domain);
  }

  private breakEdge(site: string): void {
    const { world, checker, log } = this.rig;
    const state = world.state.sites[site];
    const ours = (state?.edges ?? []).filter((each) => each.mark.installation === installation);
    if (!state || ours.length === 0) return;
    const edge = this.random.pick(ours);
    log(`! edge of ${edge.edge.vm} of ${edge.mark.cluster} at ${site} is gone`);
    checker.forget(site, edge.mark.clusterId, 'edge', edge.edge.vm);
    state.edges = state.edges.filter((each) => each !== edge);
  }

  private breakSupernode(site: string): void {
    const { world, checker, log } = this.rig;
    const state = world.state.sites[site];
    const ours = (state?.supernodes ?? []).filter((each) => each.installation === installation);
    if (!state || ours.length === 0) return;
    const mark = this.random.pick(ours);
    log(`! supernode of ${mark.cluster} at ${site} is gone`);
    checker.forget(site, mark.clusterId, 'supernode', site);
    state.supernodes = state.supernodes.filter((each) => each !== mark);
  }

  /** Somebody else makes a domain with the MAC of a VM that is planned and not made yet. */
  private takeMac(random: Random): void {
    const { world, checker, log, tables } = this.rig;
    const sites = Object.values(world.state.sites);
    const isFree = (mac: string) =>
      !sites.some(({ domains }) => domains.some((domain) => domain.macs.includes(mac)));
    const planned = [...tables.vms.values()]
      .flat()
      .map(({ vm }) => vm)
      .filter((vm) => vm.state === 'planned' && isFree(vm.mac));
    if (this.resting || planned.length === 0 || this.macsTaken >= macsTakenAtMost) return;
    this.macsTaken += 1;
    const { name, site, container, mac } = random.pick(planned);
    log(`! somebody takes the MAC ${mac} of ${name} at ${site}/${container}`);
    const theirs = { container, name: `theirs-${this.macsTaken}-${mac}`, macs: [mac] };
    world.world.addForeignDomain(site, { ...theirs, cpus: 0, memoryMiB: 0 });
    checker.remember(world.state);
  }
}

function isOurs(domain: MemoryDomain): boolean {
  return domain.mark?.mark.installation === installation;
}
