import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { libvirtSite } from '../../helpers/specs.ts';
import { physicalFrontend } from '../../../src/domain/site.ts';
import { createVxlanDriver } from '../../../src/drivers/overlay/vxlan/driver.ts';
import { createContainerHost } from '../../../src/drivers/overlay/container-host.ts';
import { ensureLinkKey } from '../../../src/drivers/overlay/routed/link-key.ts';
import { createLocalShell } from '../../../src/transport/local-shell.ts';
import { seal } from '../../../src/secrets/sealed-box.ts';
import { operationOf, overlayDriverContract } from '../../drivers/overlay-contract.ts';
import { pings, plugVm, sh, until, type TestHost } from './hosts.ts';
import { createSiteHost, createSiteHostDoor } from './n2n-door.ts';
import { addresses, edgeOf, runAsMvcSite, startPrivateHost, vxlanTable } from './vxlan-world.ts';

const operation = operationOf();
const { mark } = operation;
const key = randomBytes(32).toString('base64');
let hosts: { frontend: TestHost; c1: TestHost; c2: TestHost };

beforeAll(async () => {
  const id = `vx${process.pid.toString(36)}`;
  const [frontend, c1, c2] = [
    await startPrivateHost(`${id}f`),
    await startPrivateHost(`${id}a`),
    await startPrivateHost(`${id}b`),
  ];
  hosts = { frontend, c1, c2 };
  await sh(`ip -n ${c1.name} link add wan0 type veth peer name wan0 netns ${c2.name}`);
  for (const [host, address] of [
    [c1, addresses.here],
    [c2, addresses.there],
  ] as const) {
    await sh(`ip -n ${host.name} addr add ${address}/24 dev wan0`);
    await sh(`ip -n ${host.name} link set wan0 up`);
  }
  await runAsMvcSite(frontend.directory);
});
afterAll(async () => {
  for (const host of Object.values(hosts ?? {})) await host.stop();
});

describe.each([true, false])('vxlan, in clear: %s', (inClear) => {
  overlayDriverContract(inClear ? 'vxlan in clear' : 'vxlan over WireGuard', async () => {
    const site = await sites(inClear);
    return {
      driver: site.drivers.here,
      container: 'c1',
      tableOf: (numbers) =>
        site.tableOf(numbers.map((n) => edgeOf(mark, n, 'here')).concat(edgeOf(mark, 9, 'there'))),
      keyFor: () => site.keyFor('c1'),
      leftovers: () => overlayThings(hosts.c1),
      close: () => site.close(),
    };
  });

  describe('between two containers', () => {
    const edges = [edgeOf(mark, 1, 'here'), edgeOf(mark, 2, 'here'), edgeOf(mark, 3, 'there')];
    let site: Awaited<ReturnType<typeof sites>>;
    const [one = edges[0], two, three] = edges;
    const vm = (n: number) => `${hosts.c1.name}v${n}`;

    beforeAll(async () => {
      site = await sites(inClear);
      const table = site.tableOf(edges);
      await site.drivers.here.apply(operation, 'c1', table, await site.keyFor('c1'));
      await site.drivers.there.apply(operation, 'c2', table, await site.keyFor('c2'));
      await until(40, 'all have joined', async () => {
        const seen = [
          ...(await site.drivers.here.describe(operation, 'c1')),
          ...(await site.drivers.there.describe(operation, 'c2')),
        ];
        return seen.length === 3 && seen.every(({ up, registered }) => up && registered);
      });
      for (const [n, edge] of edges.entries()) {
        const host = edge.site === 'here' ? hosts.c1 : hosts.c2;
        await plugVm(host, { ...edge, name: vm(n + 1), mtu: table.mtu });
      }
    });
    afterAll(async () => {
      for (const n of [1, 2, 3]) await sh(`ip netns delete ${vm(n)}`).catch(() => undefined);
      await site.close();
    });

    it('joins VMs of one container and of two', async () => {
      expect(await pings(vm(1), two?.address ?? '')).toBe(5);
      expect(await pings(vm(1), three?.address ?? '')).toBeGreaterThanOrEqual(4);
      expect(await pings(vm(3), two?.address ?? '')).toBe(5);
    });

    it('is layer 2: a neighbour has its own MAC, and whole packets pass', async () => {
      expect(await sh(`ip -n ${vm(1)} neigh show ${three?.address}`)).toContain(three?.mac);
      const size = String((inClear ? 1450 : 1350) - 28);
      const { stdout } = await createLocalShell().run(
        // prettier-ignore
        ['ip', 'netns', 'exec', vm(1), 'ping', '-M', 'do', '-s', size, '-c', '2', '-i', '0.2', three?.address ?? ''],
      );
      expect(stdout).toContain(' 0% packet loss');
    });

    it('carries what is not IP', async () => {
      const socket = 'import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x88b5)';
      const bind = "s.bind(('eth0', 0x88b5))";
      const hear = `${socket.replace('0x88b5', 'socket.htons(0x88b5)')}; ${bind}; s.settimeout(8); print(s.recv(99))`;
      const bytes = `${three?.mac}${one?.mac}88b5`.replaceAll(':', '');
      const say = `${socket}; ${bind}; import time; [(s.send(bytes.fromhex('${bytes}') + b'hello'), time.sleep(.3)) for _ in range(9)]`;
      const inside = (n: number, program: string) =>
        createLocalShell().run(['ip', 'netns', 'exec', vm(n), 'python3', '-c', program]);
      const heard = inside(3, hear);
      await inside(1, say);
      expect((await heard).stdout).toContain('hello');
    });

    it('takes nothing from a VM but its own address and MAC', async () => {
      await sh(`ip -n ${vm(1)} addr add 10.99.7.77/24 dev eth0`);
      const from = ['ping', '-c', '2', '-W', '1', '-I', '10.99.7.77', three?.address ?? ''];
      const { stdout } = await createLocalShell().run(['ip', 'netns', 'exec', vm(1), ...from]);
      expect(stdout).toContain('100% packet loss');
      await sh(`ip -n ${vm(1)} addr del 10.99.7.77/24 dev eth0`);
      await sh(`ip -n ${vm(1)} link set eth0 address 02:c0:ff:ee:00:33`);
      expect(await pings(vm(1), three?.address ?? '', 2)).toBe(0);
      await sh(`ip -n ${vm(1)} link set eth0 address ${one?.mac}`);
    });

    it('answers DHCP at the container, without what is at others', async () => {
      const ask = [
        'busybox',
        'udhcpc',
        '-i',
        'eth0',
        '-n',
        '-q',
        '-f',
        '-t',
        '5',
        '-s',
        '/bin/true',
      ];
      const { stdout, stderr } = await createLocalShell().run([
        'ip',
        'netns',
        'exec',
        vm(3),
        ...ask,
      ]);
      expect(stdout + stderr).toContain(`lease of ${three?.address} obtained`);
    });

    it('changes its tables while frames flow on, and forgets who has left', async () => {
      const apply = async (table: typeof edges) =>
        site.drivers.here.apply(operation, 'c1', site.tableOf(table), await site.keyFor('c1'));
      const known = async () => {
        const device = `x${mark.clusterId.slice(0, 8)}-`;
        const sent = await hosts.c1.run(`bridge fdb show dev ${device}vx`);
        return sent + (await hosts.c1.run(`ip neigh show dev ${device}br`));
      };
      const pinging = pings(vm(1), three?.address ?? '', 40);
      const four = edgeOf(mark, 4, 'there');
      await apply([...edges, four]);
      await until(10, 'the fourth is known', async () => (await known()).includes(four.address));
      expect((await known()).match(new RegExp(four.mac, 'g'))).toHaveLength(3);
      await apply(edges);
      await until(10, 'the fourth is forgotten', async () => !(await known()).includes(four.mac));
      expect(await pinging).toBe(40);
    });

    it('floods nothing: neither to unknown addresses nor by broadcast', async () => {
      const count = async () =>
        Number(await sh(`ip netns exec ${vm(2)} cat /sys/class/net/eth0/statistics/rx_packets`));
      const before = await count();
      await sh(`ip -n ${vm(1)} neigh replace 10.99.7.88 lladdr 02:c0:ff:ee:00:88 dev eth0`);
      expect(await pings(vm(1), '10.99.7.88', 3)).toBe(0);
      expect(await pings(vm(1), '10.99.7.99', 3)).toBe(0);
      expect((await count()) - before).toBeLessThan(3);
    });
  });
});

async function sites(inClear: boolean) {
  const at = {
    [physicalFrontend]: await createSiteHost(hosts.frontend, 'physicalFrontend', physicalFrontend),
    c1: await createSiteHost(hosts.c1, 'vmContainer', 'c1'),
    c2: await createSiteHost(hosts.c2, 'vmContainer', 'c2'),
  };
  const door = createSiteHostDoor(at);
  const keys = {
    here: (await ensureLinkKey(at.c1.policy.pool)).public,
    there: (await ensureLinkKey(at.c2.policy.pool)).public,
  };
  const driverOf = (name: string) => {
    const site = libvirtSite(name);
    if (site.kind !== 'libvirt') throw new Error('the helper makes other sites');
    return createVxlanDriver(door, site);
  };
  return {
    drivers: { here: driverOf('here'), there: driverOf('there') },
    tableOf: (edges: Parameters<typeof vxlanTable>[1]) => vxlanTable(mark, edges, keys, inClear),
    keyFor: async (container: 'c1' | 'c2') =>
      seal(Buffer.from(key), await at[container].sealKey.publicKey(), `overlay:${mark.clusterId}`),
    async close() {
      for (const name of ['c1', 'c2'] as const) {
        await createContainerHost(at[name]).remove(operation);
        expect(await overlayThings(hosts[name])).toEqual([]);
      }
      await Promise.all(Object.values(at).map((host) => host.close()));
    },
  };
}

/** Services, interfaces and firewall tables of overlays at the host. */
async function overlayThings(host: TestHost): Promise<string[]> {
  const links = (await host.run('ip -o link')).match(/[a-z]c0ffee12-\w+/g) ?? [];
  const tables = (await host.run('nft list tables')).match(/\S* mvc_\S+/g) ?? [];
  return [...new Set([...readdirSync(host.services), ...links, ...tables])].toSorted();
}
