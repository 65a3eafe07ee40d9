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
    return { ...at, vms, run };
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
