import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { listBuilds } from '../../src/store/builds.ts';
import { findCluster, listClusters } from '../../src/store/clusters.ts';
import { listVms } from '../../src/store/vms.ts';
import { startController, testSites, type TestController } from '../helpers/controller.ts';

let controller: TestController;

beforeAll(async () => {
  controller = await startController();
});
afterAll(async () => {
  await controller?.stop();
});
afterEach(async () => {
  for (const { name } of await listClusters(controller.db)) await destroy(name);
  expect(await left()).toEqual([]);
});

async function build(name: string, change = {}) {
  return controller.client.result(await controller.client.build(controller.spec(name, change)));
}

async function destroy(name: string) {
  return controller.client.result(await controller.client.destroy(name));
}

/** What is marked at any site. */
async function left() {
  return (await controller.client.inventory()).things;
}

/** VM name → how often it was started. */
async function starts(name: string): Promise<Map<string, number>> {
  const id = (await findCluster(controller.db, name))?.id;
  const counts = new Map<string, number>();
  for (const event of controller.world.events()) {
    if (event.effect === 'start' && event.clusterId === id) {
      counts.set(event.name, (counts.get(event.name) ?? 0) + 1);
    }
  }
  return counts;
}

async function startRaw(workflowId: string, input: unknown) {
  const handle = await controller.engine.client.workflow.start('buildCluster', {
    workflowId,
    taskQueue: 'control',
    args: [input],
  });
  return handle.result().then(
    () => 'succeeded',
    (error: { cause?: Error }) => error.cause?.message,
  );
}

describe('a build', () => {
  it('ends ready, proved by ranks at every site, with every VM started once', async () => {
    const result = await build('plain');
    expect(result).toMatchObject({ cluster: 'plain', phase: 'ready' });
    expect((await findCluster(controller.db, 'plain'))?.phase).toBe('ready');
    const vms = await listVms(controller.db, 'plain');
    expect(vms.map((vm) => vm.state)).toEqual(['ready', 'ready', 'ready', 'ready']);
    expect([...(await starts('plain')).values()]).toEqual([1, 1, 1, 1]);
    const [record] = await listBuilds(controller.db, 'plain');
    expect(record).toMatchObject({ kind: 'build', outcome: 'succeeded' });
    expect(record?.steps.filter((step) => step.step === 'edges')).toHaveLength(testSites.length);
  });

  it('of two clusters at once over the same sites shares nothing but the sites', async () => {
    await Promise.all([build('one'), build('two')]);
    const vms = [
      ...(await listVms(controller.db, 'one')),
      ...(await listVms(controller.db, 'two')),
    ];
    expect(new Set(vms.map((vm) => vm.mac)).size).toBe(8);
    expect(new Set(vms.map((vm) => vm.address)).size).toBe(8);
  });

  it('is refused while an operation on that cluster runs', async () => {
    const first = await controller.client.build(controller.spec('busy'));
    await expect(controller.client.build(controller.spec('busy'))).rejects.toMatchObject({
      kind: 'Busy',
    });
    await controller.client.result(first);
  });

  it('of a cluster that is ready with the same spec finds it ready, with no effect at any site', async () => {
    await build('again');
    const before = controller.world.events().length;
    expect(await build('again')).toMatchObject({ phase: 'ready', alreadyReady: true });
    expect(controller.world.events().length).toBe(before);
    const { change } = await controller.client.plan(controller.spec('again'));
    expect(change).toEqual({ spec: [], added: [], changed: [], removed: [] });
  });

  it('started with bad input ends with a sentence that names the field', async () => {
    expect(await startRaw('cluster:bad', { name: 'bad', origin: 'alpine', sites: [] })).toContain(
      'sites: a cluster needs at least one site',
    );
  });

  it('started under another id than its cluster says which id it needs', async () => {
    expect(await startRaw('my-build', controller.spec('named'))).toContain(
      'must run under cluster:named',
    );
  });

  it('over a site that is not registered names those that are', async () => {
    const sites = [{ name: 'moon', computes: 1 }];
    await expect(build('lunar', { origin: 'moon', sites })).rejects.toThrow(
      /site moon is not registered \(registered: alpine, beach, cloud\)/,
    );
  });

  it('with an unknown roll names those that are known', async () => {
    await expect(build('rolling', { rolls: ['base', 'sge'] })).rejects.toThrow(
      'roll "sge" is unknown',
    );
  });
});

describe('a plan', () => {
  it('refuses an overlay that cannot join the kind of a site', async () => {
    const spec = controller.spec('mixed', { overlay: { kind: 'n2n', insecure: true } });
    await expect(controller.client.plan(spec)).rejects.toThrow(
      /overlay n2n cannot join site alpine/,
    );
  });

  it('changes nothing', async () => {
    const plan = await controller.client.plan(controller.spec('dry'));
    expect(plan.plan.vms).toHaveLength(4);
    expect(plan.change).toBeUndefined();
    expect(await findCluster(controller.db, 'dry')).toBeUndefined();
  });
});

describe('a gang that cannot be complete', () => {
  it('gives back what the other sites gave, and leaves no cluster behind', async () => {
    controller.world.addFault({
      site: 'cloud',
      verb: 'reserve',
      when: 'before',
      kind: 'NoCapacity',
    });
    await expect(build('gang')).rejects.toMatchObject({ kind: 'NoCapacity' });
    expect(await left()).toEqual([]);
    expect(await findCluster(controller.db, 'gang')).toBeUndefined();
    expect(await listBuilds(controller.db, 'gang')).toMatchObject([{ outcome: 'failed' }]);
  });

  it('leaves a domain that is not ours untouched', async () => {
    controller.world.addForeignDomain('beach', {
      container: 'h1',
      name: 'foreign-compute-beach-0',
    });
    await expect(build('foreign')).rejects.toThrow(/foreign-compute-beach-0.*left untouched/);
    const { domains } = controller.world.look().sites['beach'] ?? { domains: [] };
    expect(domains.map((domain) => domain.name)).toEqual(['foreign-compute-beach-0']);
  });
});

describe('a verb that fails once', () => {
  const verbs = ['reserve', 'ensureImage', 'ensureVms', 'startVms', 'guestRun', 'facts'];
  const overlayVerbs = ['overlay.apply', 'overlay.describe', 'overlay.ensureSupernode'];
  it.each(
    [...verbs, ...overlayVerbs].flatMap((verb) => [
      { verb, when: 'before' as const },
      { verb, when: 'after' as const },
    ]),
  )('($verb, $when its effect) is tried again, and no VM starts twice', async ({ verb, when }) => {
    controller.world.addFault({ verb, when });
    expect(await build('bumpy')).toMatchObject({ phase: 'ready' });
    expect([...(await starts('bumpy')).values()]).toEqual([1, 1, 1, 1]);
    expect(controller.world.look().faults).toEqual([]);
  });
});

/** Starts a build and waits until a step of it is parked. */
async function parkedBuild(name: string, step: string): Promise<void> {
  await controller.client.build(controller.spec(name));
  const parked = async () => {
    const { progress } = (await controller.client.running(name)) ?? {};
    return progress?.steps.some((each) => each.step === step && each.parked);
  };
  await expect.poll(parked, { timeout: 30_000 }).toBe(true);
}

describe('a build that did not finish', () => {
  it('is gone on with by a build of the same spec, which starts no VM twice', async () => {
    controller.world.addFault({
      site: 'beach',
      verb: 'startVms',
      when: 'before',
      kind: 'Forbidden',
    });
    await parkedBuild('halted', 'computes');
    await controller.client.cancel('halted');
    expect((await findCluster(controller.db, 'halted'))?.phase).toBe('cancelled');
    expect(await build('halted')).toMatchObject({ phase: 'ready' });
    expect([...(await starts('halted')).values()]).toEqual([1, 1, 1, 1]);
  });

  it('refuses another spec under its name, and says what differs', async () => {
    controller.world.addFault({
      site: 'beach',
      verb: 'startVms',
      when: 'before',
      kind: 'Forbidden',
    });
    await parkedBuild('other', 'computes');
    await controller.client.cancel('other');
    await expect(build('other', { compute: { memoryMiB: 1024 } })).rejects.toThrow(
      'compute.memoryMiB: 512 → 1024',
    );
  });

  it('when cancelled keeps what it made, and is gone on with', async () => {
    controller.world.setStuck('compute-cloud-0', true);
    await controller.client.build(controller.spec('stopped'));
    await waitForStart('stopped', 'compute-cloud-0');
    await controller.client.cancel('stopped');
    expect((await findCluster(controller.db, 'stopped'))?.phase).toBe('cancelled');
    expect(await left()).not.toEqual([]);
    controller.world.setStuck('compute-cloud-0', false);
    expect(await build('stopped')).toMatchObject({ phase: 'ready' });
  });
});

describe('while the image is being built', () => {
  it('a build that is cancelled ends, and is gone on with', async () => {
    const release = controller.holdImage();
    await controller.client.build(controller.spec('early'));
    // Once there are edges the gang is complete; before that a cancelled build gives everything back.
    await waitForEffect('early', 'edge');
    await controller.client.cancel('early');
    release();
    expect((await findCluster(controller.db, 'early'))?.phase).toBe('cancelled');
    expect(await build('early')).toMatchObject({ phase: 'ready' });
  });

  it('a gang that cannot be complete ends with its own error', async () => {
    const release = controller.holdImage();
    controller.world.addFault({
      site: 'cloud',
      verb: 'reserve',
      when: 'before',
      kind: 'NoCapacity',
    });
    await expect(build('crowded')).rejects.toMatchObject({ kind: 'NoCapacity' });
    release();
    expect(await findCluster(controller.db, 'crowded')).toBeUndefined();
  });

  it('edges that cannot be made park, and the build goes on once they can', async () => {
    const release = controller.holdImage();
    controller.world.addFault({
      site: 'beach',
      verb: 'overlay.apply',
      when: 'before',
      kind: 'Forbidden',
    });
    await parkedBuild('edgeless', 'edges');
    await controller.client.resume('edgeless', {});
    release();
    const latest = await controller.client.latest('edgeless');
    expect(await controller.client.result(latest)).toMatchObject({ phase: 'ready' });
  });
});

describe('a gang of which a site does not give back', () => {
  it('stays recorded, so that a destroy can remove it', async () => {
    controller.world.addFault({
      site: 'cloud',
      verb: 'reserve',
      when: 'before',
      kind: 'NoCapacity',
    });
    controller.world.addFault({ site: 'beach', verb: 'removeVms', when: 'before', times: 2 });
    await expect(build('sticky')).rejects.toMatchObject({ kind: 'NoCapacity' });
    expect((await findCluster(controller.db, 'sticky'))?.phase).toBe('failed');
  });
});

describe('a destroy', () => {
  it('ends by asking every site, and says which were asked', async () => {
    await build('short');
    expect(await destroy('short')).toMatchObject({ phase: 'destroyed', emptySites: testSites });
    expect(await listBuilds(controller.db, 'short')).toMatchObject([
      { kind: 'destroy' },
      { kind: 'build' },
    ]);
  });

  it('stops the build that runs, then removes what that has made', async () => {
    controller.world.setStuck('frontend', true);
    await controller.client.build(controller.spec('hasty'));
    await waitForStart('hasty', 'frontend');
    expect(await destroy('hasty')).toMatchObject({ phase: 'destroyed' });
    expect(await left()).toEqual([]);
    controller.world.setStuck('frontend', false);
  });

  it('of a cluster that is not there asks every site for its name, and is done', async () => {
    expect(await destroy('nobody')).toMatchObject({ phase: 'destroyed', emptySites: testSites });
  });

  it('removes by its mark what a forgotten cluster has left', async () => {
    await build('forgotten');
    await sql`DELETE FROM cluster WHERE name = 'forgotten'`.execute(controller.db);
    expect(await left()).not.toEqual([]);
    expect(await destroy('forgotten')).toMatchObject({ phase: 'destroyed' });
    expect(await left()).toEqual([]);
  });

  it.each(['removeVms', 'overlay.remove', 'overlay.removeSupernode', 'listOwned'])(
    'tries %s again when its answer is lost',
    async (verb) => {
      await build('lossy');
      controller.world.addFault({ verb, when: 'after' });
      expect(await destroy('lossy')).toMatchObject({ phase: 'destroyed' });
      expect(await left()).toEqual([]);
    },
  );

  it('leaves the clusters beside it as they are', async () => {
    await Promise.all([build('stays'), build('goes')]);
    await destroy('goes');
    expect(new Set((await left()).map((thing) => thing.cluster))).toEqual(new Set(['stays']));
  });
});

async function waitForEffect(cluster: string, effect: string): Promise<void> {
  const seen = async () => {
    const id = (await findCluster(controller.db, cluster))?.id;
    return controller.world
      .events()
      .some((each) => each.clusterId === id && each.effect === effect);
  };
  await expect.poll(seen, { timeout: 30_000 }).toBe(true);
}

async function waitForStart(cluster: string, vm: string): Promise<void> {
  await expect.poll(async () => (await starts(cluster)).get(vm), { timeout: 30_000 }).toBe(1);
}
