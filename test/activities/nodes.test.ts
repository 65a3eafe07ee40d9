import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { beforeEach, describe, expect, it } from 'vitest';
import { createNodeActivities } from '../../src/activities/site/nodes.ts';
import type { OverlayTable } from '../../src/domain/overlay.ts';
import { memorySiteSchema } from '../../src/domain/site.ts';
import type { VmDefinition } from '../../src/domain/vm.ts';
import { createMemoryOverlayDriver } from '../../src/drivers/overlay/memory/driver.ts';
import { createMemorySiteDriver } from '../../src/drivers/site/memory/driver.ts';
import { createMemoryWorld, type MemoryWorld } from '../../src/drivers/site/memory/memory-world.ts';
import type { SiteDriver } from '../../src/drivers/site/site-driver.ts';
import { renderNodesUpdate } from '../../src/rolls/nodes-update.ts';
import { clusterOf } from '../rolls/cluster-of.ts';

const site = memorySiteSchema.parse({
  name: 'a',
  kind: 'memory',
  containers: [{ name: 'h1', cpus: 64, memoryMiB: 65_536 }],
});
const image = { digest: 'ab'.repeat(32), size: 512, path: '/nowhere' };
const seed = { ephemeralKey: '', nonce: '', ciphertext: '' };
const operation = {
  mark: {
    installation: '3f0c8a52-77f4-4d0e-9d1e-6c2b7e9a1d10',
    cluster: 'demo',
    clusterId: 'c0ffee123456',
  },
  epoch: 1,
};
const { secrets } = clusterOf(0);

/** The frontend and this many computes, as the site is told to make them. */
function definitions(computes: number): VmDefinition[] {
  return clusterOf(computes).context.vms.map((vm) => ({
    ...vm,
    site: 'a',
    domain: `demo-${vm.name}`,
    bridge: `b-${vm.mac.slice(-2)}`,
    mtu: 1400,
    image: image.digest,
  }));
}
const nameOf = (n: number) => `compute-site${n % 8}-${n}`;
const updateOf = (computes: number, epoch = 1) =>
  renderNodesUpdate({ ...clusterOf(computes).context, epoch }, secrets);

let world: MemoryWorld;
let driver: SiteDriver;
/** Programs that were run in the frontend, with how long their input was. */
let asked: { argv: string[]; length: number }[];

beforeEach(async () => {
  world = createMemoryWorld();
  asked = [];
  const memory = createMemorySiteDriver(site, world);
  driver = {
    ...memory,
    guestRun: (on, vm, run, watch) => {
      asked.push({ argv: run.argv, length: run.stdin?.length ?? 0 });
      return memory.guestRun(on, vm, run, watch);
    },
  };
  await make(definitions(2));
});

/** Makes and starts VMs and their edges. */
async function make(vms: VmDefinition[]): Promise<void> {
  await driver.reserve(operation, vms, Math.floor(Date.now() / 1000) + 600);
  await driver.ensureImage(image);
  await driver.ensureVms(
    operation,
    vms.map((vm) => ({ vm, seed })),
  );
  const edges = vms.map((vm, index) => ({
    vm: vm.name,
    site: 'a',
    container: 'h1',
    mac: vm.mac,
    address: vm.address,
    tap: `t-${index}`,
    bridge: vm.bridge,
    udpPort: 7700 + index,
  }));
  const table: OverlayTable = {
    kind: 'memory',
    version: '1.0',
    community: 'c0ffee123456',
    network: '10.77.1.0/24',
    mtu: 1400,
    relayOnly: false,
    edges,
  };
  const overlay = createMemoryOverlayDriver(site, world);
  await overlay.ensureSupernode?.(operation, table);
  await overlay.apply(operation, 'h1', table, seed);
  await driver.startVms(operation, vms);
}

const frontend = { site, operation, container: 'h1', vm: 'frontend' };
const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
const activities = createNodeActivities({
  site: () => driver,
  overlay: () => expect.fail('nodes need no overlay'),
});
const run = <T>(activity: () => Promise<T>) => environment.run(activity) as Promise<T>;
const phases = async () =>
  Object.fromEntries(
    (await run(() => activities.nodeStates({ frontend }))).map(({ name, phase }) => [name, phase]),
  );
const configure = (archive: Buffer) =>
  run(() => activities.configureNodes({ frontend, archive: archive.toString('base64') }));
const drain = (nodes: string[], timeoutMs = 60_000) =>
  run(() => activities.drainNodes({ frontend, nodes, timeoutMs }));

describe('the nodes of a running frontend', () => {
  it('are those of its seed, until it is told of others', async () => {
    await make(definitions(3));
    expect(await phases()).toEqual({ [nameOf(1)]: 'idle', [nameOf(2)]: 'idle' });
    await configure(updateOf(3));
    expect(await phases()).toEqual({
      [nameOf(1)]: 'idle',
      [nameOf(2)]: 'idle',
      [nameOf(3)]: 'idle',
    });
    await configure(updateOf(1, 2));
    expect(Object.keys(await phases())).toEqual([nameOf(1)]);
  });

  it('are told in pieces that a guest agent takes', async () => {
    const many = updateOf(250);
    // What follows the first end mark is of no interest: it is there for its length.
    await configure(Buffer.concat(Array.from({ length: 12 }, () => many)));
    const commands = asked.map(({ argv }) => argv[1]);
    expect(commands.filter((each) => each === 'add').length).toBeGreaterThan(2);
    expect(commands.at(-1)).toBe('apply');
    for (const { length } of asked) expect((length * 4) / 3).toBeLessThan(100_000);
    expect(Object.keys(await phases())).toHaveLength(250);
  });

  it('are not those of an earlier operation', async () => {
    await configure(updateOf(3, 5));
    await expect(configure(updateOf(1, 4))).rejects.toMatchObject({
      type: 'StaleEpoch',
      message: expect.stringContaining('a later operation has told'),
    });
  });

  it('are drained, and then not idle, until they are resumed', async () => {
    await drain([nameOf(1)]);
    expect(await phases()).toEqual({ [nameOf(1)]: 'drained', [nameOf(2)]: 'idle' });
    await run(() => activities.resumeNodes({ frontend, nodes: [nameOf(1)] }));
    expect(await phases()).toEqual({ [nameOf(1)]: 'idle', [nameOf(2)]: 'idle' });
  });

  it('are awaited while jobs run on them, and named when that takes too long', async () => {
    world.setBusy(nameOf(2), true);
    await expect(drain([nameOf(1), nameOf(2)], 0)).rejects.toMatchObject({
      type: 'Timeout',
      message: `after 0 s, still 1 job runs on ${nameOf(2)}`,
      details: [{ help: expect.stringContaining('`mvc resume demo --skip`') }],
    });
    const drained = drain([nameOf(2)]);
    world.setBusy(nameOf(2), false);
    await drained;
  });

  it('have nothing to be asked if there are none', async () => {
    await drain([]);
    await run(() => activities.resumeNodes({ frontend, nodes: [] }));
    expect(asked).toEqual([]);
  });

  it('power off when they are asked to', async () => {
    const vm = { container: 'h1', name: nameOf(1) };
    await driver.guestRun(operation, vm, { argv: ['/usr/sbin/poweroff'], timeoutMs: 1000 });
    const seen = await driver.describeVms(operation);
    expect(seen.find(({ name }) => name === vm.name)?.power).toBe('off');
    expect(world.events().at(-1)).toMatchObject({ effect: 'stop', name: vm.name });
  });
});
