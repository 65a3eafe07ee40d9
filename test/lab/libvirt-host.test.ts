import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedPurpose } from '../../src/domain/sealed.ts';
import { libvirtSiteSchema } from '../../src/domain/site.ts';
import { hostPolicySchema } from '../../src/domain/site-verbs.ts';
import { createLibvirtDriver } from '../../src/drivers/site/libvirt/driver.ts';
import { createLibvirtHost } from '../../src/drivers/site/libvirt/host.ts';
import { generateSealKeyPair, open, seal } from '../../src/secrets/sealed-box.ts';
import {
  computeOf,
  operationOf,
  siteDriverContract,
  type ContractSite,
} from '../drivers/site-contract.ts';
import { createHostDoor, type DoorHost } from './libvirt/host-door.ts';
import { startLibvirtMachine, type LibvirtMachine } from './libvirt/machine.ts';

const containers = ['vm0', 'vm1'] as const;
const machines = new Map<string, LibvirtMachine>();
const imageBytes = Buffer.alloc(1024 ** 2, 'image');
const digest = createHash('sha256').update(imageBytes).digest('hex');
const later = () => Math.floor(Date.now() / 1000) + 600;

beforeAll(async () => {
  for (const name of containers) machines.set(name, await startLibvirtMachine());
});
afterAll(async () => {
  await Promise.all([...machines.values()].map((machine) => machine.stop()));
});

interface LibvirtContractSite extends ContractSite {
  pools: Map<string, string>;
}

async function setUp(): Promise<LibvirtContractSite> {
  const hosts: Record<string, DoorHost> = {};
  const pools = new Map<string, string>();
  for (const name of containers) {
    const machine = machines.get(name)!;
    const pool = await mkdtemp(join(machine.directory, 'pool-'));
    pools.set(name, pool);
    await chmod(pool, 0o755);
    await mkdir(join(pool, 'images'));
    await writeFile(join(pool, 'images', `${digest}.img`), imageBytes);
    const keys = generateSealKeyPair();
    const policy = hostPolicySchema.parse({
      host: name,
      pool,
      maxCpus: 16,
      maxMemoryMiB: 8192,
      siteBridges: ['lan0'],
      udpPorts: { first: 7700, last: 7800 },
    });
    const host = createLibvirtHost(machine.shell, {
      pool,
      policy,
      openSeed: (sealed, purpose) => open(sealed, keys.privateKey, purpose),
    });
    hosts[name] = { host, pool, sealKey: keys.publicKey };
  }
  return {
    driver: createLibvirtDriver(site, createHostDoor(hosts)),
    site: 'a',
    containers: [...containers],
    image: { digest, size: imageBytes.length, path: '/nowhere' },
    pools,
    seedFor: async (operation, vm) =>
      seal(
        gzipSync('a seed'),
        hosts[vm.container]!.sealKey,
        seedPurpose(operation.mark.clusterId, vm.name),
      ),
    addForeignDomain: ({ container, name, mac }) =>
      defineForeign(machines.get(container)!, name, mac),
    hasForeignDomain: async ({ container, name }) =>
      (await virsh(machines.get(container)!, 'dominfo', name)).exitCode === 0,
    close: async () => {
      for (const machine of machines.values()) await removeDomains(machine);
      for (const pool of pools.values()) await rm(pool, { recursive: true });
    },
  };
}

const sshHost = { address: '127.0.0.1', hostKey: `SHA256:${'A'.repeat(43)}` };
const site = libvirtSiteSchema.parse({
  name: 'a',
  kind: 'libvirt',
  key: '/nowhere',
  frontend: { ...sshHost, publicAddress: '198.51.100.11', lanAddress: '192.168.10.1' },
  containers: containers.map((name) => ({ name, ...sshHost })),
  network: {
    bridge: 'lan0',
    gateway: '192.168.10.1',
    prefixLength: 24,
    addresses: ['192.168.10.100'],
  },
  udpPorts: { first: 7700, last: 7800 },
});

const virsh = (machine: LibvirtMachine, ...args: string[]) =>
  machine.shell.run(['virsh', '-q', '-c', 'qemu:///system', ...args]);

async function defineForeign(machine: LibvirtMachine, name: string, mac: string): Promise<void> {
  const file = join(machine.directory, 'foreign.xml');
  await writeFile(
    file,
    `<domain type='qemu'><name>${name}</name><title>somebody's &lt;VM&gt; &amp; more</title>
     <metadata><other:thing xmlns:other="urn:other:1" vm="x">text</other:thing></metadata>
     <memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os>
     <devices><interface type='bridge'><mac address='${mac}'/><source bridge='lan0'/></interface></devices></domain>`,
  );
  const { exitCode, stderr } = await virsh(machine, 'define', file);
  expect(exitCode, stderr).toBe(0);
}

async function removeDomains(machine: LibvirtMachine): Promise<void> {
  const { stdout } = await virsh(machine, 'list', '--all', '--uuid');
  for (const uuid of stdout.split('\n').filter((line) => line.trim() !== '')) {
    await virsh(machine, 'destroy', uuid.trim());
    await virsh(machine, 'undefine', uuid.trim());
  }
}

siteDriverContract('libvirt', setUp);

describe('a VM container with libvirt', () => {
  const operation = operationOf();

  it('makes a frontend with a kept data disk and an interface in the site network', async () => {
    const at = await setUp();
    const frontend = computeOf(at, 0, {
      name: 'frontend',
      role: 'frontend',
      domain: 'alpha-frontend',
      diskGiB: 2,
      siteInterface: { bridge: 'lan0', mac: '02:c0:ff:ee:80:00', address: '192.168.10.100' },
    });
    const vms = [{ vm: frontend, seed: await at.seedFor(operation, frontend) }];
    await at.driver.reserve(operation, [frontend], later());
    await at.driver.ensureVms(operation, vms);
    const directory = join(at.pools.get('vm0')!, 'vms', operation.mark.clusterId, 'frontend');
    expect((await readdir(directory)).sort()).toEqual(['data.img', 'domain.xml', 'seed.img']);
    const disk = await stat(join(directory, 'data.img'));
    expect(disk.size).toBe(2 * 1024 ** 3);
    expect(disk.blocks * 512).toBeLessThan(150 * 1024 ** 2);
    expect((await stat(join(directory, 'seed.img'))).mode & 0o777).toBe(0o600);
    expect(await at.driver.startVms(operation, [frontend])).toEqual(['frontend']);
    // QEMU runs under the distribution's account for it, which libvirt lets at the files.
    expect((await stat(join(directory, 'seed.img'))).uid).not.toBe(0);
    await at.driver.stopVms(operation, [frontend]);
    await at.driver.ensureVms(operation, vms);
    expect((await stat(join(directory, 'data.img'))).ino).toBe(disk.ino);
    await at.driver.removeVms(operation);
    expect(await readdir(join(at.pools.get('vm0')!, 'vms'))).toEqual([]);
    await at.close();
  });

  it('refuses a bridge that the policy does not name', async () => {
    const at = await setUp();
    const asSecond = computeOf(at, 0, {
      siteInterface: { bridge: 'other0', mac: '02:c0:ff:ee:80:00', address: '192.168.10.100' },
    });
    const asFirst = computeOf(at, 0, { bridge: 'lan0' });
    for (const vm of [asSecond, asFirst]) {
      await expect(at.driver.reserve(operation, [vm], later())).rejects.toMatchObject({
        kind: 'Forbidden',
      });
    }
    await at.close();
  });

  it('holds the place of a data disk in the pool from the reservation on', async () => {
    const at = await setUp();
    const free = async () => (await at.driver.facts()).hosts[1]!.capacity!.poolFreeMiB;
    const before = await free();
    const frontend = computeOf(at, 0, { role: 'frontend', diskGiB: 3 });
    await at.driver.reserve(operation, [frontend], later());
    expect(Math.abs(before - (await free()) - 3072)).toBeLessThan(64);
    await at.close();
  });

  it('adopts its domains after the files of the definition are lost', async () => {
    const at = await setUp();
    const vm = computeOf(at, 0);
    await at.driver.reserve(operation, [vm], later());
    await rm(join(at.pools.get('vm0')!, 'vms'), { recursive: true });
    await at.driver.reserve(operation, [vm], later());
    await at.driver.ensureVms(operation, [{ vm, seed: await at.seedFor(operation, vm) }]);
    expect(await at.driver.startVms(operation, [vm])).toEqual([vm.name]);
    await at.close();
  });

  it('refuses a seed that was sealed for another VM', async () => {
    const at = await setUp();
    const [vm, other] = [computeOf(at, 0), computeOf(at, 2)];
    await at.driver.reserve(operation, [vm], later());
    const seed = await at.seedFor(operation, other);
    await expect(at.driver.ensureVms(operation, [{ vm, seed }])).rejects.toThrow();
    await at.close();
  });
});
