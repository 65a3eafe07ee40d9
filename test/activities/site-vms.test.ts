import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, describe, expect, it } from 'vitest';
import { createOverlayActivities } from '../../src/activities/site/overlay.ts';
import { createSiteActivities } from '../../src/activities/site/site.ts';
import { createVmActivities } from '../../src/activities/site/vm.ts';
import { memorySiteSchema } from '../../src/domain/site.ts';
import { createMemoryOverlayDriver } from '../../src/drivers/overlay/memory/driver.ts';
import { createMemorySiteDriver } from '../../src/drivers/site/memory/driver.ts';
import { createMemoryWorld, type MemoryWorld } from '../../src/drivers/site/memory/memory-world.ts';
import { computeOf, operationOf, type ContractSite } from '../drivers/site-contract.ts';

const site = memorySiteSchema.parse({ name: 'a', kind: 'memory', containers: [{ name: 'vm0' }] });
const image = { digest: 'ab'.repeat(32), size: 512, path: '/nowhere' };
const seed = { ephemeralKey: '', nonce: '', ciphertext: '' };
const operation = operationOf();
const at = { site: 'a', containers: ['vm0'], image } as unknown as ContractSite;
const vms = [computeOf(at, 0), computeOf(at, 1)];
const [vm] = vms as [(typeof vms)[number]];
const guest = { site, operation, container: 'vm0', vm: vm.name };

let world: MemoryWorld;

beforeEach(async () => {
  world = createMemoryWorld();
  const driver = createMemorySiteDriver(site, world);
  await driver.reserve(operation, vms, Math.floor(Date.now() / 1000) + 600);
  await driver.ensureImage(image);
  await driver.ensureVms(
    operation,
    vms.map((each) => ({ vm: each, seed })),
  );
  await driver.startVms(operation, vms);
});

const drivers = {
  site: () => createMemorySiteDriver(site, world),
  overlay: () => createMemoryOverlayDriver(site, world),
};
const vmActivities = createVmActivities(drivers);
const perform = <I, O>(activity: (input: I) => Promise<O>, input: I): Promise<O> =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, input);
const powers = async () =>
  (await perform(vmActivities.describeVms, { site, operation })).map((each) => each.power);
const shutDown = (timeoutMs = 60_000, input = guest) =>
  perform(vmActivities.shutDownVm, { guest: input, vm, timeoutMs });
const stops = () => world.events().filter((event) => event.effect === 'stop').length;

describe('shutting a VM down', () => {
  it('lets its system do it, and touches no other VM', async () => {
    await shutDown();
    expect(await powers()).toEqual(['off', 'running']);
    expect(world.events().at(-1)).toMatchObject({ effect: 'stop', name: vm.name });
  });

  it('is done already when the VM is off, has crashed or is gone', async () => {
    await shutDown();
    await shutDown();
    expect(stops()).toBe(1);
    world.crash('a', vm.name);
    await shutDown();
    world.removeDomain('a', vm.name);
    await shutDown();
    expect(stops()).toBe(1);
  });

  it('takes a lost answer for no answer, and looks', async () => {
    world.addFault({ verb: 'guestRun', when: 'after' });
    await shutDown();
    expect(stops()).toBe(1);
  });

  it('cuts the power of one that does not listen, after its time', async () => {
    world.setStuck(vm.name, true);
    await shutDown(50);
    expect(await powers()).toEqual(['off', 'running']);
  });

  it('is refused when a later operation has taken over', async () => {
    await perform(vmActivities.stopVms, { site, operation: operationOf(5), vms: [] });
    await expect(shutDown()).rejects.toMatchObject({ type: 'StaleEpoch' });
    expect(stops()).toBe(0);
  });
});

describe('what a site is asked about a cluster', () => {
  it('is stopped, removed by name, and looked at', async () => {
    await perform(vmActivities.stopVms, { site, operation, vms: [vm] });
    expect(await powers()).toEqual(['off', 'running']);
    await perform(vmActivities.removeVms, { site, operation, vms: [vm] });
    expect(await powers()).toEqual(['running']);
    await perform(vmActivities.removeVms, { site, operation });
    expect(await powers()).toEqual([]);
    const { listOperations } = createSiteActivities(drivers);
    const { installation } = operation.mark;
    expect(await perform(listOperations, { site, installation })).toEqual([operation]);
  });

  it('tells of its supernode, and that kinds without one need none', async () => {
    const overlay = createOverlayActivities(drivers);
    const ask = { site, operation, kind: 'memory' } as const;
    expect(await perform(overlay.describeSupernode, ask)).toEqual({ up: false });
    expect(await perform(overlay.describeOverlay, { ...ask, containers: ['vm0'] })).toEqual([]);
    const without = createOverlayActivities({
      ...drivers,
      overlay: () => {
        const { apply, describe: seen, remove } = drivers.overlay();
        return { apply, describe: seen, remove };
      },
    });
    expect(await perform(without.describeSupernode, ask)).toEqual({ up: true });
  });

  it('names the host at which it failed', async () => {
    const big = {
      ...vm,
      name: 'compute-a-9',
      domain: 'alpha-9',
      mac: '02:c0:ff:ee:00:09',
      cpus: 99,
    };
    await expect(
      perform(vmActivities.reserveVms, { site, operation, vms: [big], leaseSeconds: 60 }),
    ).rejects.toMatchObject({ type: 'NoCapacity', details: [{ host: 'vm0' }] });
  });
});
