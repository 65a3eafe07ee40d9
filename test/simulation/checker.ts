import { hostReserveMiB } from '../../src/domain/placement.ts';
import type { MemorySite } from '../../src/domain/site.ts';
import type { WorldCall } from '../../src/drivers/site/memory/memory-world.ts';
import type {
  MemoryDomain,
  MemorySiteState,
  WorldEvent,
  WorldState,
} from '../../src/drivers/site/memory/world-state.ts';

type Effect = WorldEvent['effect'];

/** Effect → what must have come between before it may come again. */
const undoneBy: Partial<Record<Effect, Effect[]>> = {
  reserve: ['release', 'remove'],
  start: ['stop', 'release', 'remove'],
  edge: ['remove edge'],
  supernode: ['remove supernode'],
  image: [],
};

/** Safety: what must be true of the sites after each effect, whatever goes wrong. */
export class Checker {
  readonly violations: string[] = [];
  private readonly installation: string;
  private readonly sites: Map<string, MemorySite>;
  private readonly report: (violation: string) => void;
  /** Site → what does not belong to us, as it was. */
  private readonly others = new Map<string, string>();
  private readonly epochs = new Map<string, number>();
  private readonly present = new Set<string>();
  private readonly leftOut = new Set<string>();
  private readonly givenUp = new Set<string>();
  private readonly fallen = new Map<string, number>();
  private readonly looked = new Map<string, number>();

  constructor(installation: string, sites: MemorySite[], report: (violation: string) => void) {
    this.installation = installation;
    this.sites = new Map(sites.map((site) => [site.name, site]));
    this.report = report;
  }

  /** What is not ours must stay as it is from here on. */
  remember(state: WorldState): void {
    for (const site of this.sites.keys()) {
      this.others.set(site, this.othersAt(state.sites[site]));
    }
  }

  /** After each effect at a site. */
  check(state: WorldState, call: WorldCall, events: WorldEvent[]): void {
    for (const event of events) this.once(event);
    if (call.verb === 'guestRun' && call.operation) {
      this.looked.set(call.operation.mark.clusterId, Date.now());
    }
    if (call.changes && call.operation) this.fence(call);
    if (events.length === 0) return;
    this.untouched(state, call.site);
    this.distinct(state);
    this.uncommitted(state, call.site);
  }

  /** A person has said that a site is to be left out of a destroy. */
  giveUp(clusterId: string): void {
    this.givenUp.add(clusterId);
  }

  /** A person has said to go on without nodes that do not come: the cluster then says which. */
  leaveOut(clusterId: string): void {
    this.leftOut.add(clusterId);
  }

  /** A VM that fell after the cluster was looked at for the last time: nobody could know. */
  isExcused(clusterId: string, vm: string): boolean {
    if (this.leftOut.has(clusterId)) return true;
    const fell = this.fallen.get(`${clusterId} ${vm}`);
    return fell !== undefined && fell > (this.looked.get(clusterId) ?? 0);
  }

  /** A VM fell by itself. */
  fell(site: string, clusterId: string, vm: string): void {
    this.fallen.set(`${clusterId} ${vm}`, Date.now());
    this.forget(site, clusterId, 'start', vm);
  }

  /** Something that went by itself, as a crash: it may be made again. */
  forget(site: string, clusterId: string, effect: Effect, name: string): void {
    this.present.delete(keyOf(site, clusterId, effect, name));
  }

  fail(sentence: string): void {
    this.violations.push(sentence);
    this.report(sentence);
  }

  private once({ site, clusterId, effect, name }: WorldEvent): void {
    for (const [done, undos] of Object.entries(undoneBy) as [Effect, Effect[]][]) {
      if (undos.includes(effect)) this.present.delete(keyOf(site, clusterId, done, name));
    }
    if (!undoneBy[effect]) return;
    const key = keyOf(site, clusterId, effect, name);
    if (this.present.has(key)) this.fail(`twice: ${effect} ${name} of ${clusterId} at ${site}`);
    this.present.add(key);
  }

  private fence({ site, verb, operation }: WorldCall): void {
    if (!operation) return;
    const { mark, epoch } = operation;
    const key = `${site} ${mark.clusterId}`;
    const seen = this.epochs.get(key) ?? 0;
    if (epoch < seen) {
      this.fail(`${verb} of operation ${epoch} took effect at ${site} after operation ${seen}`);
    }
    this.epochs.set(key, Math.max(seen, epoch));
  }

  private untouched(state: WorldState, site: string): void {
    const before = this.others.get(site);
    if (before !== undefined && before !== this.othersAt(state.sites[site])) {
      this.fail(`something at ${site} that is not ours was changed`);
    }
  }

  private othersAt(state: MemorySiteState | undefined): string {
    if (!state) return '';
    const foreign = (mark: { installation: string } | undefined) =>
      mark?.installation !== this.installation;
    return JSON.stringify([
      state.domains.filter((domain) => foreign(domain.mark?.mark)),
      state.edges.filter((edge) => foreign(edge.mark)),
      state.supernodes.filter(foreign),
    ]);
  }

  private distinct(state: WorldState): void {
    const taken = new Map<string, string>();
    const take = (what: string, holder: string) => {
      const other = taken.get(what);
      if (other !== undefined) this.fail(`${what} is of ${other} and of ${holder}`);
      taken.set(what, holder);
    };
    for (const [site, { domains, edges, supernodes }] of Object.entries(state.sites)) {
      for (const domain of domains) {
        const holder = `${domain.name} at ${site}/${domain.container}`;
        take(`domain ${site}/${domain.name}`, holder);
        take(`UUID ${domain.uuid}`, holder);
        for (const mac of domain.macs) take(`MAC ${mac}`, holder);
        if (domain.mark && this.isOurs(domain)) {
          take(`address ${domain.mark.definition.address}`, holder);
          const lan = domain.mark.definition.siteInterface?.address;
          if (lan !== undefined) take(`address ${site}/${lan}`, holder);
        }
      }
      for (const { edge, mark } of edges) {
        // What a person gave up at a destroy is no longer in the ledger, and stays until it is swept.
        if (this.givenUp.has(mark.clusterId)) continue;
        const holder = `the edge of ${edge.vm} of ${mark.clusterId}`;
        take(`tap ${site}/${edge.container}/${edge.tap}`, holder);
        take(`port ${site}/${edge.udpPort}`, holder);
      }
      for (const mark of supernodes) take(`supernode ${site}/${mark.clusterId}`, mark.cluster);
    }
  }

  private isOurs(domain: MemoryDomain): boolean {
    return domain.mark?.mark.installation === this.installation;
  }

  private uncommitted(state: WorldState, site: string): void {
    for (const container of this.sites.get(site)?.containers ?? []) {
      const here = state.sites[site]?.domains.filter((each) => each.container === container.name);
      const sum = (value: (domain: MemoryDomain) => number) =>
        (here ?? []).reduce((total, domain) => total + value(domain), 0);
      if (
        sum((domain) => domain.cpus) > container.cpus ||
        sum((domain) => domain.memoryMiB) > container.memoryMiB - hostReserveMiB
      ) {
        this.fail(`VM container ${site}/${container.name} is over-committed`);
      }
    }
  }
}

function keyOf(site: string, clusterId: string, effect: Effect, name: string): string {
  return `${site} ${clusterId} ${effect} ${name}`;
}
