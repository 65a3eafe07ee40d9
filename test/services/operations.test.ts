import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ParkedStep } from '../../src/domain/cluster.ts';
import { listBuilds } from '../../src/store/builds.ts';
import { findCluster, listClusters } from '../../src/store/clusters.ts';
import { listVms } from '../../src/store/vms.ts';
import { startController, type TestController } from '../helpers/controller.ts';

let controller: TestController;

beforeAll(async () => {
  controller = await startController();
});
afterAll(async () => {
  await controller?.stop();
});
afterEach(async () => {
  for (const { name } of await listClusters(controller.db)) await destroy(name);
  expect((await controller.client.inventory()).things).toEqual([]);
});

async function build(name: string, change = {}) {
  return result(await controller.client.build(controller.spec(name, change)));
}

async function result(operation: Parameters<TestController['client']['result']>[0]) {
  return controller.client.result(operation);
}

async function destroy(name: string) {
  return result(await controller.client.destroy(name));
}

async function parkedOf(name: string): Promise<ParkedStep[]> {
  const { progress } = (await controller.client.running(name)) ?? {};
  return (progress?.steps ?? []).flatMap(({ step, site, parked }) =>
    parked ? [{ ...parked, step, ...(site === undefined ? {} : { site }) }] : [],
  );
}

async function untilParked(name: string): Promise<ParkedStep> {
  await expect.poll(async () => (await parkedOf(name)).length, { timeout: 60_000 }).toBe(1);
  const [parked] = await parkedOf(name);
  if (!parked) throw new Error('it was parked a moment ago');
  return parked;
}

function forbid(verb: string, site = 'beach'): void {
  controller.world.addFault({ site, verb, when: 'before', kind: 'Forbidden' });
}

function deny(verb: string, site = 'beach'): void {
  controller.world.addFault({ site, verb, when: 'before', kind: 'AccessDenied' });
}

/** Effects at the sites since a moment: `start compute-beach-0`. */
function effectsSince(count: number): string[] {
  return controller.world
    .events()
    .slice(count)
    .map((event) => `${event.effect} ${event.name}`);
}

async function namesOf(name: string): Promise<string[]> {
  return (await listVms(controller.db, name)).map((vm) => vm.name);
}

describe('a step that cannot go on', () => {
  it('parks with site, cause and next action, for the watcher and in the store, and goes on by resume', async () => {
    forbid('ensureVms');
    const operation = await controller.client.build(controller.spec('parks'));
    const parked = await untilParked('parks');
    expect(parked).toMatchObject({ step: 'computes', site: 'beach', kind: 'Forbidden' });
    expect(parked.nextTryAt).toBeUndefined();
    const attention = async () =>
      (await findCluster(controller.db, 'parks'))?.conditions.find(
        (condition) => condition.type === 'Attention',
      )?.message;
    await expect.poll(attention).toMatch(/computes at site beach.*mvc resume parks/);
    expect(await controller.client.resume('parks', {})).toEqual({
      resumed: [{ step: 'computes', site: 'beach' }],
    });
    expect(await result(operation)).toMatchObject({ phase: 'ready' });
    expect(await attention()).toBeUndefined();
  });

  it('lets the other sites go on meanwhile', async () => {
    forbid('overlay.apply');
    const operation = await controller.client.build(controller.spec('aside'));
    await untilParked('aside');
    const { progress } = (await controller.client.running('aside')) ?? {};
    const frontend = () =>
      controller.world
        .events()
        .some((event) => event.effect === 'start' && event.name === 'frontend');
    await expect.poll(frontend).toBe(true);
    expect(progress?.phase).toBe('building');
    await controller.client.resume('aside', { site: 'beach', step: 'edges' });
    expect(await result(operation)).toMatchObject({ phase: 'ready' });
  });

  it('is tried again by itself if its cause may pass', async () => {
    controller.world.setReachable('cloud', false);
    const operation = await controller.client.build(controller.spec('away'));
    const parked = await untilParked('away');
    expect(parked).toMatchObject({ step: 'register', site: 'cloud', kind: 'Unreachable' });
    expect(parked.nextTryAt).toBeGreaterThan(parked.since);
    controller.world.setReachable('cloud', true);
    expect(await result(operation)).toMatchObject({ phase: 'ready' });
  });

  it('is not left out where that is not safe, and a step that is not parked is not resumed', async () => {
    forbid('ensureVms');
    const operation = await controller.client.build(controller.spec('needed'));
    await untilParked('needed');
    const { client } = controller;
    await expect(client.resume('needed', { action: 'skip' })).rejects.toThrow(
      'cannot be left out: computes at beach',
    );
    await expect(client.resume('needed', { step: 'verify' })).rejects.toThrow(
      'no such step is parked; parked: computes at beach',
    );
    await client.resume('needed', {});
    await result(operation);
  });

  it('takes a corrected spec, and does again only what depends on it', async () => {
    forbid('ensureVms', 'cloud');
    const operation = await controller.client.build(controller.spec('corrected'));
    await untilParked('corrected');
    const before = controller.world.events().length;
    const sites = [
      { name: 'alpine', computes: 1 },
      { name: 'beach', computes: 2 },
    ];
    const spec = controller.spec('corrected', { sites });
    const { change } = await controller.client.resume('corrected', { spec });
    expect(change?.added.map((vm) => vm.name)).toEqual(['compute-beach-1']);
    expect(change?.removed).toEqual(['compute-cloud-0']);
    expect(await result(operation)).toMatchObject({ phase: 'ready' });
    expect(await namesOf('corrected')).toEqual([
      'frontend',
      'compute-alpine-0',
      'compute-beach-0',
      'compute-beach-1',
    ]);
    const effects = effectsSince(before);
    expect(effects).toContain('remove compute-cloud-0');
    expect(effects.filter((effect) => effect.startsWith('reserve'))).toEqual([
      'reserve compute-beach-1',
    ]);
  });

  it('keeps the build parked over a cancel: what exists is kept, and create goes on', async () => {
    forbid('startVms');
    await controller.client.build(controller.spec('kept'));
    await untilParked('kept');
    await controller.client.cancel('kept');
    expect((await findCluster(controller.db, 'kept'))?.phase).toBe('cancelled');
    expect(await build('kept')).toMatchObject({ phase: 'ready' });
  });
});

describe('a destroy with a site away', () => {
  it('removes the rest at once, and ends by itself when the site is back', async () => {
    await build('half');
    controller.world.setReachable('beach', false);
    const operation = await controller.client.destroy('half');
    const things = () => (controller.world.look().sites['cloud']?.domains ?? []).length;
    await expect.poll(things, { timeout: 20_000 }).toBe(0);
    controller.world.setReachable('beach', true);
    expect(await result(operation)).toMatchObject({ phase: 'destroyed', left: [] });
  });

  it('says what remains where while it is refused there, and goes on by resume', async () => {
    await build('refused');
    deny('removeVms');
    const operation = await controller.client.destroy('refused');
    const parked = await untilParked('refused');
    expect(parked).toMatchObject({ step: 'vms', site: 'beach', kind: 'AccessDenied' });
    await controller.client.resume('refused', {});
    expect(await result(operation)).toMatchObject({ phase: 'destroyed', left: [] });
  });

  it('is joined by a second destroy', async () => {
    await build('twice');
    const [first, second] = await Promise.all([
      controller.client.destroy('twice'),
      controller.client.destroy('twice'),
    ]);
    expect(first.runId).toBe(second.runId);
    expect(await result(second)).toMatchObject({ phase: 'destroyed' });
  });

  it('that gives the site up leaves what a sweep then finds and removes', async () => {
    await build('given');
    deny('removeVms');
    const operation = await controller.client.destroy('given');
    await untilParked('given');
    await controller.client.resume('given', { action: 'skip' });
    const done = await result(operation);
    expect(done).toMatchObject({ phase: 'destroyed', left: [expect.stringContaining('beach')] });
    const found = await controller.client.sweep({ remove: false });
    expect(found.things.map((thing) => `${thing.site} ${thing.name}`)).toContain(
      'beach given-compute-beach-0',
    );
    const swept = await controller.client.sweep({ remove: true });
    expect(swept.things.every((thing) => thing.removed)).toBe(true);
  });
});

describe('a scale', () => {
  it('adds computes without touching the others', async () => {
    await build('grows');
    const before = controller.world.events().length;
    const done = await result(await controller.client.scale('grows', { beach: 3 }));
    expect(done).toMatchObject({ phase: 'ready', kind: 'scale' });
    const effects = effectsSince(before);
    expect(effects.filter((effect) => effect.startsWith('start'))).toEqual([
      'start compute-beach-1',
      'start compute-beach-2',
    ]);
    expect(effects.some((effect) => effect.endsWith('compute-alpine-0'))).toBe(false);
  });

  it('removes computes after they were drained, and frees what they had', async () => {
    await build('shrinks', { sites: [{ name: 'alpine', computes: 3 }] });
    const done = await result(await controller.client.scale('shrinks', { alpine: 1 }));
    expect(done).toMatchObject({ phase: 'ready' });
    expect(await namesOf('shrinks')).toEqual(['frontend', 'compute-alpine-0']);
    const [record] = await listBuilds(controller.db, 'shrinks');
    expect(record?.steps.map((step) => step.step)).toContain('drain');
    const left = controller.world.look().sites['alpine'];
    expect(left?.domains).toHaveLength(2);
    expect(left?.edges).toHaveLength(2);
  });

  it('waits for the jobs of the nodes that leave', async () => {
    await build('busy', { sites: [{ name: 'alpine', computes: 2 }] });
    controller.world.setBusy('compute-alpine-1', true);
    const operation = await controller.client.scale('busy', { alpine: 1 });
    const draining = async () => {
      const { progress } = (await controller.client.running('busy')) ?? {};
      return progress?.steps.find((each) => each.step === 'drain')?.finishedAt === undefined;
    };
    await expect.poll(draining).toBe(true);
    controller.world.setBusy('compute-alpine-1', false);
    expect(await result(operation)).toMatchObject({ phase: 'ready' });
  });

  it('takes a site out of the cluster', async () => {
    await build('leaves');
    await result(await controller.client.scale('leaves', { cloud: 0 }));
    expect(await namesOf('leaves')).not.toContain('compute-cloud-0');
    expect((await findCluster(controller.db, 'leaves'))?.spec.sites).toHaveLength(2);
    expect(controller.world.look().sites['cloud']?.domains).toEqual([]);
  });

  it('to more than a site can hold is refused before anything is changed', async () => {
    await build('toomany');
    const operation = await controller.client.scale('toomany', { beach: 500 });
    await expect(result(operation)).rejects.toMatchObject({ kind: 'NoCapacity' });
    expect((await findCluster(controller.db, 'toomany'))?.phase).toBe('ready');
  });
});

describe('a repair', () => {
  it('of a sound cluster has no effect at any site', async () => {
    await build('sound');
    const before = controller.world.events().length;
    const done = await result(await controller.client.repair('sound'));
    expect(done).toMatchObject({ summary: 'nothing was amiss', findings: [] });
    expect(effectsSince(before)).toEqual([]);
  });

  it.each([
    ['a VM that crashed', () => controller.world.crash('beach', 'compute-beach-0'), 'beach'],
    ['a VM that is gone', () => controller.world.removeDomain('beach', 'compute-beach-0'), 'beach'],
    ['an edge that died', () => controller.world.killEdge('cloud', 'compute-cloud-0'), 'cloud'],
    ['a supernode that died', () => controller.world.killSupernode('alpine'), 'alpine'],
    ['a frontend that crashed', () => controller.world.crash('alpine', 'frontend'), 'alpine'],
  ])('mends %s, and touches no other site', async (_, spoil, site) => {
    await build('mended');
    spoil();
    const before = controller.world.events().length;
    const done = await result(await controller.client.repair('mended'));
    expect(done).toMatchObject({ phase: 'ready', findings: [expect.objectContaining({ site })] });
    const touched = controller.world.events().slice(before);
    expect(new Set(touched.map((event) => event.site))).toEqual(new Set([site]));
  });

  it('mends what answers, waits for a site that does not, and mends that once it is back', async () => {
    await build('silent');
    controller.world.crash('beach', 'compute-beach-0');
    controller.world.crash('cloud', 'compute-cloud-0');
    controller.world.setReachable('cloud', false);
    const before = controller.world.events().length;
    const operation = await controller.client.repair('silent');
    expect(await untilParked('silent')).toMatchObject({ step: 'look', site: 'cloud' });
    expect(effectsSince(before)).toContain('start compute-beach-0');
    controller.world.setReachable('cloud', true);
    expect(await result(operation)).toMatchObject({ phase: 'ready' });
    const starts = effectsSince(before).filter((effect) => effect.startsWith('start'));
    expect(starts).toEqual(['start compute-beach-0', 'start compute-cloud-0']);
    expect((await findCluster(controller.db, 'silent'))?.phase).toBe('ready');
  });
});

describe('a repair with a new key', () => {
  const renew = (name: string) => controller.client.repair(name, { newKey: true });
  /** What the sites were told since a moment: by site, every key that is another one. */
  function keysSince(count: number): Record<string, string[]> {
    const keys: Record<string, string[]> = {};
    for (const { site, key } of controller.toldKeys.slice(count)) {
      const known = (keys[site] ??= []);
      if (!known.includes(key)) known.push(key);
    }
    return keys;
  }
  async function storedVersion(name: string): Promise<number | undefined> {
    const { rows } = await sql<{ version: number }>`
      SELECT version FROM secret WHERE owner_name = ${name} AND name = 'overlay-key'
    `.execute(controller.db);
    return rows[0]?.version;
  }
  async function buildWithKey(name: string): Promise<string> {
    const before = controller.toldKeys.length;
    await build(name);
    const [key = ''] = keysSince(before)['alpine'] ?? [];
    expect(keysSince(before)).toEqual({ alpine: [key], beach: [key], cloud: [key] });
    return key;
  }

  it('stores another one, tells it to every site, and disturbs nothing', async () => {
    const old = await buildWithKey('rekeyed');
    const before = { told: controller.toldKeys.length, events: controller.world.events().length };
    const done = await result(await renew('rekeyed'));
    expect(done).toMatchObject({
      phase: 'ready',
      summary: 'nothing was amiss; the overlay has a new key',
    });
    const [key] = keysSince(before.told)['alpine'] ?? [];
    expect(key).not.toBe(old);
    expect(keysSince(before.told)).toEqual({ alpine: [key], beach: [key], cloud: [key] });
    expect(await storedVersion('rekeyed')).toBe(2);
    expect(effectsSince(before.events)).toEqual([]);
    const [record] = await listBuilds(controller.db, 'rekeyed');
    const steps = record?.steps.map(({ step, site }) => (site ? `${step} ${site}` : step)) ?? [];
    expect(record).toMatchObject({ kind: 'repair', outcome: 'succeeded' });
    for (const site of ['alpine', 'beach', 'cloud']) {
      expect(steps.indexOf('overlay key')).toBeLessThan(steps.indexOf(`edges ${site}`));
    }
    expect(steps).toContain('overlay key');
  });

  it('waits for a site that is away before any has it', async () => {
    const old = await buildWithKey('patient');
    controller.world.setReachable('cloud', false);
    const before = controller.toldKeys.length;
    const operation = await renew('patient');
    expect(await untilParked('patient')).toMatchObject({ step: 'look', site: 'cloud' });
    expect(await storedVersion('patient')).toBe(1);
    expect(keysSince(before)).toEqual({});
    controller.world.setReachable('cloud', true);
    expect(await result(operation)).toMatchObject({ phase: 'ready' });
    const [key] = keysSince(before)['alpine'] ?? [];
    expect(key).not.toBe(old);
    expect(keysSince(before)).toEqual({ alpine: [key], beach: [key], cloud: [key] });
  });

  it('is refused when the site that is away is left out: the key stays', async () => {
    await buildWithKey('keeps');
    controller.world.setReachable('cloud', false);
    const before = controller.toldKeys.length;
    const operation = await renew('keeps');
    await untilParked('keeps');
    await controller.client.resume('keeps', { action: 'skip' });
    const refused = result(operation);
    await expect(refused).rejects.toMatchObject({ kind: 'Unreachable' });
    await expect(refused).rejects.toThrow('the overlay keeps its key');
    expect(await storedVersion('keeps')).toBe(1);
    expect(keysSince(before)).toEqual({});
    controller.world.setReachable('cloud', true);
  });

  it('goes on by resume where a site could not be told, with the key that the others have', async () => {
    await buildWithKey('halfway');
    forbid('overlay.apply');
    const before = controller.toldKeys.length;
    const operation = await renew('halfway');
    expect(await untilParked('halfway')).toMatchObject({ step: 'edges', site: 'beach' });
    await controller.client.resume('halfway', {});
    expect(await result(operation)).toMatchObject({ phase: 'ready' });
    const [key] = keysSince(before)['alpine'] ?? [];
    expect(keysSince(before)).toEqual({ alpine: [key], beach: [key], cloud: [key] });
    expect(await storedVersion('halfway')).toBe(2);
  });
});

describe('a stop and a start', () => {
  it('power the computes down before the frontend, and up after it', async () => {
    await build('sleeps');
    const before = controller.world.events().length;
    const stopped = await result(await controller.client.stop('sleeps'));
    expect(stopped).toMatchObject({ phase: 'stopped' });
    expect(effectsSince(before).at(-1)).toBe('stop frontend');
    expect((await findCluster(controller.db, 'sleeps'))?.phase).toBe('stopped');
    const asleep = controller.world.events().length;
    expect(await result(await controller.client.start('sleeps'))).toMatchObject({ phase: 'ready' });
    const starts = effectsSince(asleep).filter((effect) => effect.startsWith('start'));
    expect(starts[0]).toBe('start frontend');
    expect(starts).toHaveLength(4);
  });

  it('of one compute leave the others running', async () => {
    await build('naps');
    const before = controller.world.events().length;
    await result(await controller.client.stop('naps', 'compute-beach-0'));
    expect(effectsSince(before)).toEqual(['stop compute-beach-0']);
    expect((await findCluster(controller.db, 'naps'))?.phase).toBe('ready');
    const done = await result(await controller.client.repair('naps'));
    expect(done).toMatchObject({ summary: 'nothing was amiss' });
    await result(await controller.client.start('naps', 'compute-beach-0'));
    const starts = effectsSince(before).filter((effect) => effect.startsWith('start'));
    expect(starts).toEqual(['start compute-beach-0']);
  });

  it('of one compute are refused while another operation is left half done', async () => {
    await build('halfdone');
    controller.world.crash('beach', 'compute-beach-0');
    forbid('ensureVms');
    const repair = await controller.client.repair('halfdone');
    await untilParked('halfdone');
    await controller.client.cancel('halfdone');
    await expect(result(repair)).rejects.toThrow();
    const stopped = result(await controller.client.stop('halfdone', 'compute-cloud-0'));
    await expect(stopped).rejects.toMatchObject({ kind: 'Conflict' });
    await expect(stopped).rejects.toThrow('no VM of it is stopped alone');
  });
});

describe('a look at a ready cluster', () => {
  async function look(name: string) {
    return controller.engine.client.workflow.execute('watchCluster', {
      workflowId: `watch:${name}`,
      taskQueue: 'control',
      args: [{ name }],
    });
  }
  const driftOf = async (name: string) =>
    (await findCluster(controller.db, name))?.conditions.find(({ type }) => type === 'Drift');

  it('changes nothing, and says nothing, if all is as it should be', async () => {
    await build('quiet');
    const before = { events: controller.world.events().length, state: controller.world.look() };
    expect(await look('quiet')).toMatchObject({ looked: true, findings: [] });
    expect(controller.world.events().length).toBe(before.events);
    expect(controller.world.look()).toEqual(before.state);
    expect(await driftOf('quiet')).toBeUndefined();
  });

  it('raises a condition on drift, which a repair clears', async () => {
    await build('drifts');
    controller.world.crash('beach', 'compute-beach-0');
    await look('drifts');
    expect((await driftOf('drifts'))?.message).toContain('compute-beach-0');
    await result(await controller.client.repair('drifts'));
    expect(await driftOf('drifts')).toBeUndefined();
  });

  it('repairs if the spec says so', async () => {
    await build('selfmade', { watch: { repair: true } });
    controller.world.crash('beach', 'compute-beach-0');
    await look('selfmade');
    const latest = await controller.client.latest('selfmade');
    expect(await result(latest)).toMatchObject({ kind: 'repair', phase: 'ready' });
  });
});

describe('an older database', () => {
  it('is told what the sites have, and later operations are no longer refused', async () => {
    await build('older');
    await sql`UPDATE cluster SET epoch = 0 WHERE name = 'older'`.execute(controller.db);
    const told = await controller.client.reconcile();
    expect(told.clusters).toMatchObject([
      { cluster: 'older', findings: [], epochRaised: { from: 0 } },
    ]);
    expect(await result(await controller.client.repair('older'))).toMatchObject({ phase: 'ready' });
  });

  it('that has lost a cluster leaks nothing: its things are named, swept, and foreign ones stay', async () => {
    controller.world.addForeignDomain('beach', { container: 'h1', name: 'theirs' });
    await build('lost');
    await build('stays');
    await sql`DELETE FROM cluster WHERE name = 'lost'`.execute(controller.db);
    const told = await controller.client.reconcile();
    expect(new Set(told.orphans.map((thing) => thing.cluster))).toEqual(new Set(['lost']));
    await controller.client.sweep({ remove: true });
    const { things } = await controller.client.inventory();
    expect(new Set(things.map((thing) => thing.cluster))).toEqual(new Set(['stays']));
    const names = controller.world.look().sites['beach']?.domains.map((domain) => domain.name);
    expect(names).toContain('theirs');
  });
});

describe('ten builds at once over the same sites', () => {
  it('share no name, MAC, address or port and over-commit nothing; what does not fit is refused in words', async () => {
    const origins = ['alpine', 'beach', 'cloud'];
    const names = Array.from({ length: 10 }, (_, index) => `crowd-${index}`);
    const ended = await Promise.allSettled(
      names.map((name, index) =>
        build(name, { origin: origins[index % 3] ?? 'alpine', compute: { cpus: 3 } }),
      ),
    );
    const refused = ended.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    for (const reason of refused) {
      expect(reason).toMatchObject({ kind: 'NoCapacity' });
      expect(String(reason)).toMatch(/cannot hold/);
    }
    // A site holds ten computes of 3 cpus and two frontends; ten clusters ask for more.
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(6);
    const sites = Object.values(controller.world.look().sites);
    const domains = sites.flatMap((site) => site.domains);
    expectUnique(domains.flatMap((domain) => domain.macs));
    expectUnique(domains.map((domain) => domain.uuid));
    expectUnique(domains.map((domain) => domain.name));
    const edges = sites.flatMap((site) => site.edges.map(({ edge }) => edge));
    expectUnique(edges.map((edge) => edge.address));
    expectUnique(edges.map((edge) => `${edge.site} ${edge.udpPort}`));
    expectUnique(edges.map((edge) => `${edge.site} ${edge.container} ${edge.tap}`));
    for (const site of sites) {
      for (const container of ['h1', 'h2']) {
        const here = site.domains.filter((domain) => domain.container === container);
        expect(here.reduce((sum, domain) => sum + domain.cpus, 0)).toBeLessThanOrEqual(16);
      }
    }
  });
});

function expectUnique(values: string[]): void {
  expect(values.length).toBeGreaterThan(0);
  expect(new Set(values).size).toBe(values.length);
}
