import type { Operation } from '../../src/domain/mark.ts';
import type { MemorySite } from '../../src/domain/site.ts';
import type { VmDefinition } from '../../src/domain/vm.ts';
import type { Rig } from './rig.ts';
import { withRow } from './store/tables.ts';

/** Registers the sites, and puts somebody else's domains there. */
export async function furnish(rig: Rig, sites: MemorySite[]): Promise<void> {
  for (const site of sites) {
    for (const [index, container] of site.containers.entries()) {
      if (!rig.random.chance(0.4)) continue;
      const name = `theirs-${container.name}`;
      const mac = `02:aa:00:${hex(sites.indexOf(site))}:${hex(rig.random.int(0, 255))}:${hex(index)}`;
      const domain = { container: container.name, name, macs: [mac], cpus: 1, memoryMiB: 512 };
      rig.world.world.addForeignDomain(site.name, domain);
    }
    const facts = await rig.drivers.site(site).facts();
    rig.tables.sites = withRow(rig.tables.sites, site.name, {
      site,
      state: 'ready',
      createdAt: rig.clock.now,
      facts,
      factsAt: rig.clock.now,
    });
  }
}

/** Another installation's cluster of the same name, at one of the sites. */
export async function plantOthers(rig: Rig, sites: MemorySite[], cluster: string): Promise<void> {
  const site = rig.random.pick(sites);
  const container = site.containers[0]?.name ?? '';
  const operation: Operation = {
    mark: {
      installation: '22222222-2222-4222-8222-222222222222',
      cluster,
      clusterId: 'bbbbbbbbbbbb',
    },
    epoch: 3,
  };
  const vm: VmDefinition = {
    name: 'compute-other-0',
    role: 'compute',
    site: site.name,
    container,
    mac: '02:bb:00:00:00:01',
    address: '10.99.0.1',
    cpus: 1,
    memoryMiB: 512,
    domain: `${cluster}-compute-other-0`,
    bridge: 'brother0',
    mtu: 1400,
    image: '2'.repeat(64),
  };
  const driver = rig.drivers.site(site);
  await driver.reserve(operation, [vm], Math.floor(rig.clock.now / 1000) + 30 * 24 * 3600);
  const overlay = rig.drivers.overlay(site, 'memory');
  const table = {
    kind: 'memory' as const,
    version: '1.0',
    community: 'otherother',
    network: '10.99.0.0/24',
    mtu: 1400,
    relayOnly: false,
    edges: [{ ...vm, vm: vm.name, tap: 'tapother0', udpPort: 8700 }].map(
      ({ vm: name, tap, udpPort, bridge, mac, address }) => ({
        vm: name,
        site: site.name,
        container,
        tap,
        udpPort,
        bridge,
        mac,
        address,
      }),
    ),
  };
  const key = { ephemeralKey: '', nonce: '', ciphertext: '' };
  await overlay.apply(operation, container, table, key);
  await overlay.ensureSupernode?.(operation, table);
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
