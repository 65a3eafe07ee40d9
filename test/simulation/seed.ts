import { isDeepStrictEqual } from 'node:util';
import type { ClusterSpec, StepRecord } from '../../src/domain/cluster.ts';
import type { MemorySite } from '../../src/domain/site.ts';
import { RandomFaults } from './faults.ts';
import { Gremlin } from './gremlin.ts';
import type { Random } from './engine/random.ts';
import { createRandom } from './engine/random.ts';
import type { Outcome } from './engine/server.ts';
import { furnish, plantOthers } from './furnish.ts';
import { notRunning } from './phases.ts';
import { leftovers, ownedThings } from './leftovers.ts';
import { createRig, play, type Rig } from './rig.ts';
import { drawSites, drawSpec } from './scenario.ts';

export interface SeedResult {
  seed: number;
  violations: string[];
  lines: string[];
  digest: string;
  /** How often what happened, for the summary. */
  counts: Record<string, number>;
}

const minute = 60_000;
/** Longer than any zombie lives. */
const calmMs = 15 * minute;
/** Without faults an operation has ended by then. */
const patienceMs = 8 * 60 * minute;

/** One seed: its sites, clusters, operations and faults; then calm, and everything must come right. */
export async function runSeed(seed: number): Promise<SeedResult> {
  const random = createRandom(seed);
  const sites = drawSites(random.fork('sites'));
  let faults: RandomFaults | undefined;
  const rig = createRig({
    seed,
    sites,
    bootDelayMs: random.int(2, 12) * 1000,
    faults: (source) => (faults = new RandomFaults(source)),
  });
  const names = Array.from({ length: random.int(1, 3) }, (_, index) => `c${index}`);
  const run = new SeedRun(rig, sites, names, faults!);
  await play(rig, run.play());
  return {
    seed,
    violations: rig.checker.violations,
    lines: rig.lines,
    digest: rig.digest(),
    counts: run.counts,
  };
}

class SeedRun {
  readonly counts: Record<string, number> = {};
  private readonly rig: Rig;
  private readonly sites: MemorySite[];
  /** A site was left out of a destroy. */
  private gaveUp = false;
  private readonly names: string[];
  private readonly faults: RandomFaults;
  private readonly specs = new Map<string, ClusterSpec>();

  constructor(rig: Rig, sites: MemorySite[], names: string[], faults: RandomFaults) {
    this.rig = rig;
    this.sites = sites;
    this.names = names;
    this.faults = faults;
  }

  async play(): Promise<void> {
    const { rig, faults, sites } = this;
    faults.on = false;
    await furnish(rig, sites);
    if (rig.random.chance(0.6)) await plantOthers(rig, sites, rig.random.pick(this.names));
    rig.checker.remember(rig.world.state);
    faults.on = true;
    const gremlin = new Gremlin(rig, sites, rig.random.fork('gremlin'));
    await Promise.all(this.names.map((name) => this.live(name, rig.random.fork(name))));
    faults.on = false;
    gremlin.rest();
    rig.log('! calm');
    await rig.client.sleep(calmMs);
    for (const name of this.names) await this.comesRight(name);
    // What a person gave up at a destroy is there until it is swept.
    if (this.gaveUp) await this.rig.client.sweep();
    this.nothingOrphaned();
    for (const name of this.names) await this.endsWell(name);
    this.nothingLeft();
  }

  private count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** One person's doings with one cluster. */
  private async live(name: string, random: Random): Promise<void> {
    const { client } = this.rig;
    const spec = drawSpec(random, name, this.sites);
    this.specs.set(name, spec);
    await client.sleep(random.int(0, 60_000));
    this.start('build', name, spec);
    for (let left = random.int(2, 7); left > 0; left -= 1) {
      // Sometimes the next thing comes before the last has ended.
      const waitMs = random.chance(0.3) ? random.int(100, 90_000) : random.int(5, 40) * minute;
      await this.tend(name, waitMs, random);
      await this.doSomething(name, random);
    }
    await this.tend(name, random.int(1, 20) * minute, random);
  }

  private async doSomething(name: string, random: Random): Promise<void> {
    const { client } = this.rig;
    const spec = this.specs.get(name)!;
    const doings: [number, () => unknown][] = [
      [3, () => this.start('build', name, this.rig.tables.clusters.get(name)?.spec ?? spec)],
      [1, () => this.counted('cancel', () => client.cancel(name))],
      [1, () => this.counted('destroy', () => client.destroy(name))],
      [4, () => this.start('scale', name, { name, sites: this.drawScale(name, random) })],
      [3, () => this.start('repair', name, { name })],
      [1, () => this.start('stop', name, { name })],
      [1, () => this.start('stop', name, { name, vm: this.drawVm(name, random) })],
      [2, () => this.start('start', name, { name })],
      [1, () => this.start('start', name, { name, vm: this.drawVm(name, random) })],
      [1, () => this.rebuild(name, random)],
    ];
    const total = doings.reduce((sum, [weight]) => sum + weight, 0);
    let left = random.next() * total;
    for (const [weight, doing] of doings) {
      left -= weight;
      if (left < 0) return void (await doing());
    }
  }

  private async counted(what: string, doing: () => Promise<void>): Promise<void> {
    this.count(what);
    await doing();
  }

  private start(
    kind: 'build' | 'scale' | 'repair' | 'stop' | 'start',
    name: string,
    input: unknown,
  ): void {
    this.count(this.rig.client.start(kind, name, input) ? kind : `${kind} refused: busy`);
  }

  /** Destroys the cluster, and makes another of the same name. */
  private async rebuild(name: string, random: Random): Promise<void> {
    this.count('rebuild');
    await this.rig.client.destroy(name);
    if (!(await this.rig.client.ended(name, 20 * minute))) return;
    const spec = drawSpec(random, name, this.sites);
    this.specs.set(name, spec);
    this.start('build', name, spec);
  }

  private drawScale(name: string, random: Random): Record<string, number> {
    const known = this.rig.tables.clusters.get(name)?.spec.sites.map((site) => site.name) ?? [];
    const site =
      random.chance(0.7) && known.length > 0 ? random.pick(known) : random.pick(this.sites).name;
    return { [site]: random.int(0, 4) };
  }

  private drawVm(name: string, random: Random): string {
    const vms = this.rig.tables.vms.get(name) ?? [];
    return vms.length > 0 ? random.pick(vms).vm.name : 'compute-s0-0';
  }

  /** Waits for the end of what runs, as somebody who looks now and then, and resumes what is parked. */
  private async tend(name: string, forMs: number, random: Random): Promise<void> {
    const { client, clock } = this.rig;
    const until = clock.now + forMs;
    while (clock.now < until && client.isRunning(name)) {
      await client.ended(name, Math.min(until - clock.now, random.int(20, 400) * 1000));
      if (random.chance(0.5)) await this.answer(name, await client.parked(name), random);
    }
  }

  private async answer(name: string, parked: StepRecord[], random: Random): Promise<void> {
    if (parked.length === 0) return;
    this.count('resume');
    const { client } = this.rig;
    const one = random.pick(parked);
    const { step, site } = one;
    const which = random.chance(0.5) ? {} : { step, ...(site === undefined ? {} : { site }) };
    if (one.parked?.skippable && random.chance(0.3)) {
      this.count('skip');
      const cluster = this.rig.tables.clusters.get(name);
      if (cluster?.phase === 'destroying') {
        this.gaveUp = true;
        this.rig.checker.giveUp(cluster.id);
      }
      if (cluster && (step === 'computes' || step === 'look'))
        this.rig.checker.leaveOut(cluster.id);
      await client.resume(name, { step, ...(site === undefined ? {} : { site }), action: 'skip' });
    } else {
      await client.resume(name, which);
    }
  }

  /** Without faults: what runs ends, what is unfinished is made ready, what is ready is as recorded. */
  private async comesRight(name: string): Promise<void> {
    const { rig } = this;
    await this.finish(name);
    if (!rig.tables.clusters.has(name)) return;
    const phase = () => rig.tables.clusters.get(name)?.phase;
    if (phase() === 'destroying') {
      await rig.client.destroy(name);
      await this.finish(name);
      if (rig.tables.clusters.has(name))
        rig.checker.fail(`${name} was not destroyed without faults`);
      return;
    }
    if (phase() === 'building' || phase() === 'changing') {
      // A write of the database that was under way when its run ended may land later: nothing can call
      // it back. It records an intent and touches no site; `mvc create` goes on from it.
      this.count('left by a late write');
      await this.must('build', name, rig.tables.clusters.get(name)!.spec);
    }
    // Also after a stop that was cut short: what was wanted off is started, as the product says.
    const frontend = rig.tables.vms.get(name)?.find(({ vm }) => vm.role === 'frontend');
    if (frontend?.vm.state === 'stopped') await this.must('start', name, { name });
    if (phase() === 'failed' || phase() === 'cancelled') {
      await this.must('build', name, rig.tables.clusters.get(name)!.spec);
    }
    if (phase() !== 'ready') return;
    await this.must('repair', name, { name });
    await this.isWhole(name);
    await this.isQuiet(name);
  }

  /** Something that has to succeed now, unless the sites have no room for it. */
  private async must(kind: 'build' | 'start' | 'repair', name: string, input: unknown) {
    const { rig } = this;
    if (!rig.client.start(kind, name, input)) {
      rig.checker.fail(`something runs on ${name} although all has ended`);
      return;
    }
    const outcome = await this.finish(name);
    if (outcome?.kind === 'completed') return;
    if (outcome?.kind === 'failed' && outcome.type === 'NoCapacity') return this.count('no room');
    if (outcome?.kind === 'cancelled') return this.count('no room');
    rig.checker.fail(`${kind} of ${name} did not succeed without faults: ${told(outcome)}`);
  }

  /** Waits for the end of what runs, and resumes what is parked. */
  private async finish(name: string): Promise<Outcome | undefined> {
    const { client, clock, checker } = this.rig;
    const until = clock.now + patienceMs;
    for (let asked = 0; clock.now < until; asked += 1) {
      const outcome = await client.ended(name, 10 * minute);
      if (outcome || !client.isRunning(name)) return outcome;
      const parked = await client.parked(name);
      if (parked.length === 0) continue;
      const lacking = parked.filter((step) => step.parked?.kind === 'NoCapacity');
      if (lacking.length === parked.length && asked > 3) {
        await client.cancel(name);
        continue;
      }
      await client.resume(name, {});
    }
    const parked = await client.parked(name);
    checker.fail(
      `${name} does not end without faults; parked: ${JSON.stringify(parked.map((step) => [step.step, step.site, step.parked?.kind, step.parked?.cause]))}`,
    );
    await client.cancel(name);
    return undefined;
  }

  private async isWhole(name: string): Promise<void> {
    const { tables, world, checker } = this.rig;
    if (tables.clusters.get(name)?.phase !== 'ready') return;
    this.count('ready at the end');
    const lame = notRunning(tables, world.state, name).map((vm) => vm.name);
    if (lame.length > 0) checker.fail(`${name} is ready, but ${lame.join(', ')} do not run`);
    const off = (tables.vms.get(name) ?? []).filter(({ vm }) => vm.state === 'leaving');
    if (off.length > 0) checker.fail(`${name} is ready, but VMs are still leaving`);
  }

  /** A second `create` of a ready cluster changes nothing. */
  private async isQuiet(name: string): Promise<void> {
    const { rig } = this;
    const cluster = rig.tables.clusters.get(name);
    if (cluster?.phase !== 'ready') return;
    const before = structuredClone(rig.world.state.sites);
    rig.client.start('build', name, cluster.spec);
    const outcome = await this.finish(name);
    if (outcome?.kind !== 'completed') {
      rig.checker.fail(`a second create of ${name} ended otherwise: ${told(outcome)}`);
    }
    if (!isDeepStrictEqual(before, rig.world.state.sites)) {
      rig.checker.fail(`a second create of ${name} changed something`);
    }
  }

  /** What is there belongs to a recorded cluster. */
  private nothingOrphaned(): void {
    const recorded = [...this.rig.tables.clusters.values()].map((cluster) => cluster.id);
    for (const thing of ownedThings(this.rig)) {
      if (recorded.includes(thing.clusterId)) continue;
      this.rig.checker.fail(`${thing.what} at ${thing.site} belongs to no recorded cluster`);
    }
  }

  private async endsWell(name: string): Promise<void> {
    await this.rig.client.destroy(name);
    const outcome = await this.finish(name);
    if (outcome?.kind === 'completed') return;
    this.rig.checker.fail(`destroy of ${name} did not succeed without faults: ${told(outcome)}`);
  }

  private nothingLeft(): void {
    for (const left of leftovers(this.rig)) this.rig.checker.fail(left);
  }
}

function told(outcome: Outcome | undefined): string {
  if (outcome === undefined) return 'no end';
  return outcome.kind === 'failed' ? `${outcome.type}: ${outcome.message}` : outcome.kind;
}
