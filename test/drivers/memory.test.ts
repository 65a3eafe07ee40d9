import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OverlayTable } from '../../src/domain/overlay.ts';
import { memorySiteSchema, siteFactsSchema, type Site } from '../../src/domain/site.ts';
import { createMemoryOverlayDriver } from '../../src/drivers/overlay/memory/driver.ts';
import { createMemorySiteDriver } from '../../src/drivers/site/memory/driver.ts';
import { createMemoryWorld, type MemoryWorld } from '../../src/drivers/site/memory/memory-world.ts';
import { createSiteDriver } from '../../src/drivers/site/site-drivers.ts';
import { overlayDriverContract } from './overlay-contract.ts';
import { computeOf, operationOf, siteDriverContract, type ContractSite } from './site-contract.ts';

const worldModule = new URL('../../src/drivers/site/memory/memory-world.ts', import.meta.url).href;
const image = { digest: 'ab'.repeat(32), size: 512, path: '/nowhere' };
const sealed = { ephemeralKey: '', nonce: '', ciphertext: '' };
const later = () => Math.floor(Date.now() / 1000) + 600;

function siteOf(name = 'a') {
  return memorySiteSchema.parse({
    name,
    kind: 'memory',
    containers: [{ name: 'vm0' }, { name: 'vm1' }],
  });
}

function contractSite(world: MemoryWorld): ContractSite {
  const site = siteOf();
  return {
    driver: createMemorySiteDriver(site, world),
    site: site.name,
    containers: ['vm0', 'vm1'],
    image,
    seedFor: async () => sealed,
    addForeignDomain: async ({ mac, ...domain }) =>
      world.addForeignDomain('a', { ...domain, macs: [mac] }),
    hasForeignDomain: async ({ container, name }) =>
      world
        .look()
        .sites['a']!.domains.some(
          (each) => each.container === container && each.name === name && !each.mark,
        ),
    close: async () => {},
  };
}

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'mvc-world-'))));
afterEach(async () => rm(directory, { recursive: true }));

siteDriverContract('memory', async () => contractSite(createMemoryWorld({ bootDelayMs: 60_000 })));
siteDriverContract('memory, kept in a file', async () =>
  contractSite(createMemoryWorld({ file: join(directory, 'world.json'), bootDelayMs: 60_000 })),
);

function tableOf(numbers: number[]): OverlayTable {
  const edge = (index: number, site: string) => ({
    vm: `compute-${site}-${index}`,
    site,
    container: 'vm0',
    tap: `tc0ffee12-${index}`,
    bridge: `bc0ffee12-${index}`,
    mac: `02:c0:ff:ee:00:0${index}`,
    address: `10.77.1.${index}`,
    udpPort: 7700 + index,
  });
  return {
    kind: 'memory',
    version: '1.0',
    community: 'c0ffee123456',
    network: '10.77.1.0/24',
    mtu: 1400,
    relayOnly: false,
    edges: [...numbers.map((index) => edge(index, 'a')), edge(9, 'elsewhere')],
  };
}

overlayDriverContract('memory', async () => {
  const world = createMemoryWorld();
  return {
    driver: createMemoryOverlayDriver(siteOf(), world),
    container: 'vm0',
    tableOf,
    keyFor: async () => sealed,
    leftovers: async () => {
      const site = world.look().sites['a']!;
      return [
        ...site.edges.map(({ edge }) => edge.vm),
        ...site.supernodes.map((mark) => mark.clusterId),
      ];
    },
    close: async () => {},
  };
});

describe('a memory world', () => {
  const operation = operationOf();

  async function started(world: MemoryWorld) {
    const at = contractSite(world);
    const vms = [computeOf(at, 0), computeOf(at, 1)];
    const frontend = computeOf(at, 2, {
      name: 'frontend',
      role: 'frontend',
      domain: 'alpha-frontend',
    });
    const all = [...vms, frontend];
    await at.driver.reserve(operation, all, later());
    await at.driver.ensureImage(image);
    await at.driver.ensureVms(
      operation,
      all.map((vm) => ({ vm, seed: sealed })),
    );
    const overlay = createMemoryOverlayDriver(siteOf(), world);
    await overlay.ensureSupernode?.(operation, tableOf([]));
    await overlay.apply(operation, 'vm0', tableOf([0]), sealed);
    await at.driver.startVms(operation, all);
    const run = async (program: string, stdin = '') =>
      at.driver.guestRun(
        operation,
        { container: frontend.container, name: 'frontend' },
        { argv: [`/usr/lib/mvc/${program}`], stdin, timeoutMs: 1000 },
      );
    return { ...at, vms, overlay, run };
  }

  it('tells facts that the schema of facts takes', async () => {
    const facts = await contractSite(createMemoryWorld()).driver.facts();
    expect(siteFactsSchema.parse(facts)).toEqual(facts);
  });

  it('has an effect but loses the answer when told to fail after', async () => {
    const world = createMemoryWorld();
    const { driver } = contractSite(world);
    const vms = [computeOf(contractSite(world), 0)];
    world.addFault({ site: 'a', verb: 'reserve', when: 'after' });
    await expect(driver.reserve(operation, vms, later())).rejects.toMatchObject({
      kind: 'Unreachable',
    });
    await driver.reserve(operation, vms, later());
    expect(world.events().map((event) => event.effect)).toEqual(['reserve']);
  });

  it('has no effect when told to fail before, as often as told', async () => {
    const world = createMemoryWorld();
    const { driver } = contractSite(world);
    const vms = [computeOf(contractSite(world), 0)];
    world.addFault({ verb: 'reserve', when: 'before', skip: 1, times: 2, kind: 'Busy' });
    await driver.reserve(operation, vms, later());
    for (let times = 0; times < 2; times += 1) {
      await expect(driver.reserve(operation, vms, later())).rejects.toMatchObject({ kind: 'Busy' });
    }
    await driver.reserve(operation, vms, later());
    expect(world.events()).toHaveLength(1);
  });

  it('answers nothing at a site that is away, until it is back', async () => {
    const world = createMemoryWorld();
    const { driver } = contractSite(world);
    world.setReachable('a', false);
    await expect(driver.facts()).rejects.toMatchObject({ kind: 'Unreachable' });
    world.setReachable('a', true);
    expect((await driver.facts()).hosts).toHaveLength(3);
  });

  it('boots a VM only after its boot delay', async () => {
    const { run } = await started(createMemoryWorld({ bootDelayMs: 200 }));
    await expect(run('frontend-ready')).rejects.toMatchObject({ kind: 'Unreachable' });
    await expect.poll(async () => (await run('frontend-ready')).exitCode).toBe(0);
  });

  it('calls a compute idle that has booted and has an edge, and no other', async () => {
    const { run, vms } = await started(createMemoryWorld());
    const states = JSON.parse((await run('node-states')).stdout) as {
      name: string;
      phase: string;
    }[];
    expect(states.map(({ name, phase }) => [name, phase])).toEqual([
      [vms[0]!.name, 'idle'],
      [vms[1]!.name, 'booting'],
    ]);
  });

  it('verifies a cluster whose nodes are idle and refuses one whose nodes are not', async () => {
    const { run, vms } = await started(createMemoryWorld());
    const ask = (names: string[]) =>
      run(
        'verify',
        JSON.stringify({
          nodes: names.map((name) => ({ name, site: 'a' })),
          mtu: 1400,
          interface: 'eth0',
        }),
      );
    expect((await ask([vms[0]!.name])).exitCode).toBe(0);
    expect((await ask([vms[0]!.name, vms[1]!.name])).exitCode).toBe(1);
  });

  it('never brings up a VM that is stuck, and tells of one that crashed', async () => {
    const world = createMemoryWorld();
    const { run, driver } = await started(world);
    world.setStuck('compute-a-0', true);
    expect((await run('node-states')).stdout).not.toContain('idle');
    world.crash('a', 'compute-a-0');
    const seen = await driver.describeVms(operation);
    expect(seen.find((vm) => vm.name === 'compute-a-0')?.power).toBe('crashed');
  });

  it('has a dead edge until the overlay is applied again', async () => {
    const world = createMemoryWorld();
    const { run, overlay } = await started(world);
    world.killEdge('a', 'compute-a-0');
    expect(await overlay.describe(operation, 'vm0')).toEqual([
      { vm: 'compute-a-0', up: false, registered: false },
    ]);
    expect((await run('node-states')).stdout).not.toContain('idle');
    await overlay.apply(operation, 'vm0', tableOf([0]), sealed);
    expect(await overlay.describe(operation, 'vm0')).toEqual([
      { vm: 'compute-a-0', up: true, registered: true },
    ]);
    const before = world.events().length;
    await overlay.apply(operation, 'vm0', tableOf([0]), sealed);
    expect(world.events()).toHaveLength(before);
  });

  it('has a dead supernode until it is ensured again, and edges that it does not answer', async () => {
    const world = createMemoryWorld();
    const { overlay } = await started(world);
    world.killSupernode('a');
    expect(await overlay.describeSupernode?.(operation)).toEqual({ up: false });
    expect((await overlay.describe(operation, 'vm0'))[0]).toMatchObject({
      up: true,
      registered: false,
    });
    await overlay.ensureSupernode?.(operation, tableOf([]));
    expect(await overlay.describeSupernode?.(operation)).toEqual({ up: true });
    expect(world.look().sites['a']?.supernodes).toHaveLength(1);
  });

  it('loses a VM that somebody at the site removes', async () => {
    const world = createMemoryWorld();
    const { driver } = await started(world);
    world.removeDomain('a', 'compute-a-0');
    const seen = await driver.describeVms(operation);
    expect(seen.map((vm) => vm.name).sort()).toEqual(['compute-a-1', 'frontend']);
  });

  it('answers late when told to, and has its effect', async () => {
    const world = createMemoryWorld();
    const { driver } = contractSite(world);
    world.addFault({ verb: 'reserve', when: 'late', delayMs: 150 });
    const before = performance.now();
    await driver.reserve(operation, [computeOf(contractSite(world), 0)], later());
    expect(performance.now() - before).toBeGreaterThan(140);
    expect(world.events()).toHaveLength(1);
  });

  it('tells an effect for each change and none where nothing changes', async () => {
    const world = createMemoryWorld();
    const { driver } = contractSite(world);
    const vm = computeOf(contractSite(world), 0);
    const lease = later();
    const effects: [() => Promise<unknown>, string[]][] = [
      [() => driver.reserve(operation, [vm], lease), ['reserve']],
      [() => driver.reserve(operation, [vm], lease), []],
      [() => driver.reserve(operation, [vm], lease + 60), ['renew']],
      [() => driver.reserve(operation, [{ ...vm, cpus: 2 }], lease), ['define']],
      [() => driver.ensureImage(image), ['image', 'image']],
      [() => driver.ensureVms(operation, [{ vm, seed: sealed }]), ['define', 'complete']],
      [() => driver.ensureVms(operation, [{ vm, seed: sealed }]), []],
      [() => driver.startVms(operation, [vm]), ['start']],
      [() => driver.reserve(operation, [{ ...vm, cpus: 3 }], lease + 90), []],
      [() => driver.stopVms(operation, [vm]), ['stop']],
      [() => driver.reserve(operation, [vm], lease + 90), []],
      [() => driver.removeVms(operation), ['remove']],
      [() => driver.removeVms(operation), []],
    ];
    for (const [act, expected] of effects) {
      const before = world.events().length;
      await act();
      expect(
        world
          .events()
          .slice(before)
          .map((event) => event.effect),
      ).toEqual(expected);
    }
  });

  it.each(['in memory', 'in a file'])(
    'kept %s remembers an operation whose verb failed, and nothing of one that was refused',
    async (where) => {
      const file = join(directory, 'world.json');
      const world = createMemoryWorld(where === 'in a file' ? { file } : {});
      const { driver } = contractSite(world);
      const vms = [computeOf(contractSite(world), 0)];
      await expect(driver.startVms(operationOf(5), vms)).rejects.toMatchObject({
        kind: 'NotFound',
      });
      const before = world.look();
      world.addFault({ verb: 'reserve', when: 'after' });
      await expect(driver.reserve(operationOf(4), vms, later())).rejects.toMatchObject({
        kind: 'StaleEpoch',
      });
      expect(world.look()).toEqual(before);
      expect(world.events()).toEqual([]);
      expect(await driver.listOperations(operation.mark.installation)).toEqual([operationOf(5)]);
    },
  );

  it('names the VM container in what fails at one', async () => {
    const world = createMemoryWorld();
    const at = contractSite(world);
    const vm = computeOf(at, 1);
    await expect(
      at.driver.reserve(operation, [{ ...vm, cpus: 256 }], later()),
    ).rejects.toMatchObject({ kind: 'NoCapacity', host: 'vm1' });
    await at.driver.reserve(operation, [vm], later());
    await expect(at.driver.ensureVms(operation, [{ vm, seed: sealed }])).rejects.toMatchObject({
      kind: 'NotFound',
      host: 'vm1',
    });
  });

  it('is the same world for whoever opens its file later', async () => {
    const file = join(directory, 'world.json');
    const { vms } = await started(createMemoryWorld({ file }));
    const world = createMemoryWorld({ file });
    const seen = await contractSite(world).driver.describeVms(operation);
    expect(seen).toHaveLength(3);
    expect(await contractSite(world).driver.startVms(operation, vms)).toEqual([]);
    expect(world.events().filter((event) => event.effect === 'start')).toHaveLength(3);
  });
});

describe('a memory world in a file', () => {
  it('is changed by several processes at once without losing a change', async () => {
    const file = join(directory, 'world.json');
    const program = `
      import { createMemoryWorld } from ${JSON.stringify(worldModule)};
      const world = createMemoryWorld({ file: process.argv[1] });
      for (let n = 0; n < 20; n += 1)
        world.addForeignDomain('a', { container: 'vm0', name: process.argv[2] + n });`;
    const children = ['x', 'y', 'z'].map((name) =>
      spawn(process.execPath, ['--input-type=module', '-e', program, file, name], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
    const statuses = await Promise.all(
      children.map(async (child) => (await once(child, 'exit'))[0] as number),
    );
    expect(statuses).toEqual([0, 0, 0]);
    expect(createMemoryWorld({ file }).look().sites['a']?.domains).toHaveLength(60);
  });

  it('goes on after a process died with its lock', async () => {
    const file = join(directory, 'world.json');
    const child = spawn('true');
    await once(child, 'exit');
    await writeFile(`${file}.lock`, String(child.pid));
    const world = createMemoryWorld({ file });
    world.setReachable('a', false);
    expect(world.look().unreachable).toEqual(['a']);
  });
});

describe('the list of site drivers', () => {
  it('names the known kinds when asked for an unknown one', () => {
    const site = { name: 'x', kind: 'zen' } as unknown as Site;
    const openDoor = () => expect.fail('no door is needed');
    expect(() => createSiteDriver(site, { openDoor, memoryWorld: createMemoryWorld() })).toThrow(
      'site kind "zen" is unknown; known: libvirt, memory',
    );
  });
});
