import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Operation } from '../../../src/domain/mark.ts';
import type { OverlayTable } from '../../../src/domain/overlay.ts';
import { bridgePrefix } from '../../../src/drivers/overlay/routed/names.ts';
import { createLocalShell } from '../../../src/transport/local-shell.ts';
import { watchFrames } from '../network/frames.ts';
import { namespaceName, pings, sh, until } from './hosts.ts';
import { leaseOf } from './lease.ts';
import { createListeners, seenAs } from './listeners.ts';
import { key, operation } from './n2n-site.ts';
import { sendFrames, udpFrame } from './raw-frames.ts';
import { startRoutedSite, vmNamespace, type RoutedSite } from './routed-site.ts';

const vms = { c1: [1, 2], c2: [3], c3: [] };
const [vm1, vm2, vm3] = ['vm1', 'vm2', 'vm3'].map(vmNamespace) as [string, string, string];
const gateway = '10.77.1.254';
/** A machine behind the gateway of the LAN, which translates nothing on that way. */
const mirror = { namespace: namespaceName('mirror'), address: '203.0.113.7' };
const stranger = '192.168.10.50';

const local = createLocalShell();
const listeners = createListeners();
let site: RoutedSite;

const opened = (...outside: string[]) => ({ ...site.tableOf(vms), outside });

beforeAll(async () => {
  site = await startRoutedSite();
  const { frontend, c1, c2 } = site;
  await sh(`ip netns add ${mirror.namespace}`);
  await frontend.run(`ip link add out0 type veth peer name eth0 netns ${mirror.namespace}`);
  await frontend.run('ip addr add 203.0.113.1/24 dev out0');
  await frontend.run('ip link set out0 up');
  await sh(`ip -n ${mirror.namespace} addr add ${mirror.address}/24 dev eth0`);
  await sh(`ip -n ${mirror.namespace} link set eth0 up`);
  await sh(`ip -n ${mirror.namespace} route add default via 203.0.113.1`);
  // As they are before their administrator has agreed, whatever this machine gives new namespaces.
  for (const host of [c1, c2]) await host.run('sysctl -qw net.ipv4.ip_forward=0');
  for (const host of [frontend, c1, c2]) await listeners.start(host.name);
  for (const namespace of [mirror.namespace, site.stranger]) await listeners.start(namespace);
});
afterAll(async () => {
  await listeners.stop();
  await local.run(['ip', 'netns', 'delete', mirror.namespace]);
  await site?.stop();
});

/** One datagram. */
const sendUdp = (namespace: string, port: number, address: string, to: number) =>
  sh(`ip netns exec ${namespace} ${process.execPath} -e ${sendOne} ${port} ${address} ${to}`);
const sendOne =
  "const[,p,a,t]=process.argv,s=require('node:dgram').createSocket('udp4');s.bind(+p,()=>s.send('x',+t,a,()=>s.close()))";

const tables = async () => {
  const lists = await Promise.all([site.c1, site.c2].map((host) => host.run('nft list tables')));
  return lists.flatMap((list) => list.match(/mvc_\S+/g) ?? []);
};

/** Frames in the LAN and on the ways out of it while something happens. */
async function countOutside(match: string, happens: () => Promise<unknown>): Promise<number> {
  const watch = watchFrames(site.frontend.name, ['h0', 'h1', 'h9', 'out0', 'wan0'], match);
  try {
    await happens();
    await sleep(500);
    return watch.count();
  } finally {
    watch.end();
  }
}

it('is refused by a container whose policy does not allow it, and nothing is made there', async () => {
  site.allowed = ['203.0.113.0/24'];
  await expect(site.apply(opened('203.0.113.0/25', '203.0.112.0/23'))).rejects.toMatchObject({
    kind: 'Forbidden',
    message: expect.stringContaining('203.0.112.0/23') as string,
    help: expect.stringContaining('"outside": ["203.0.113.0/24", "203.0.112.0/23"]') as string,
  });
  expect(await tables()).toEqual([]);
});

it('is refused by a container that does not forward, and nothing is made there', async () => {
  site.allowed = ['0.0.0.0/0'];
  await expect(site.apply(opened('0.0.0.0/0'))).rejects.toMatchObject({
    kind: 'Forbidden',
    message: expect.stringContaining('by eth0 from 0.0.0.0/0') as string,
    help: expect.stringContaining('net.ipv4.ip_forward=1') as string,
  });
  expect(await tables()).toEqual([]);
  expect(await site.c1.run('cat /proc/sys/net/ipv4/conf/eth0/forwarding')).toBe('0\n');
});

it('is refused where no route leads', async () => {
  await site.c1.run('ip route add unreachable 198.18.0.0/15');
  await expect(site.apply(opened('198.18.7.0/24'))).rejects.toMatchObject({ kind: 'Conflict' });
  await site.c1.run('ip route delete unreachable 198.18.0.0/15');
});

it('lets VMs reach a host behind the gateway, under their container’s address', async () => {
  for (const host of [site.c1, site.c2]) await host.run('sysctl -qw net.ipv4.ip_forward=1');
  const table = opened('0.0.0.0/0');
  await site.apply(table);
  await site.plug(table);
  await site.joined();
  for (const vm of [vm1, vm2, vm3]) {
    expect(await leaseOf(vm)).toMatch(new RegExp(`router=${gateway}$`));
    await sh(`ip -n ${vm} route add default via ${gateway}`);
    await listeners.start(vm);
  }
  const reach = async () => {
    expect(await seenAs(vm1, mirror.address)).toBe('192.168.10.11');
    expect(await seenAs(vm3, mirror.address)).toBe('192.168.10.12');
    expect(await pings(vm1, mirror.address, 3)).toBe(3);
  };
  expect(await countOutside('ip saddr 10.77.1.0/24', reach)).toBe(0);
});

it('leaves what passes between VMs as it is', async () => {
  expect(await seenAs(vm1, '10.77.1.2')).toBe('10.77.1.1');
  await until(20, 'vm1 reaches vm3', async () => (await pings(vm1, '10.77.1.3', 1)) === 1);
  expect(await seenAs(vm1, '10.77.1.3')).toBe('10.77.1.1');
});

it('opens neither the LAN nor any container', async () => {
  // So they listen, and the way is there.
  expect(await seenAs(site.c1.name, stranger)).toBe('192.168.10.11');
  expect(await seenAs(site.stranger, '192.168.10.11')).toBe(stranger);
  const closed = [stranger, '192.168.10.1', '192.168.10.11', '192.168.10.12', gateway];
  const seen = await Promise.all(closed.map((address) => seenAs(vm1, address)));
  expect(seen).toEqual(closed.map(() => ''));
});

it('lets nothing new in, and nobody ask in the name of a VM', async () => {
  await site.frontend.run('ip route add 10.77.1.0/24 via 192.168.10.11');
  await sh(`ip -n ${site.stranger} route add 10.77.1.0/24 via 192.168.10.11`);
  const comeIn = async () => {
    for (const from of [mirror.namespace, site.stranger, site.c1.name]) {
      expect(await seenAs(from, '10.77.1.1'), from).toBe('');
    }
  };
  expect(await countOutside('ip daddr 10.77.1.1 tcp flags syn', comeIn), 'they asked').not.toBe(0);
  const mac = /ether (\S+)/.exec(await site.c1.run('ip -o link show dev eth0'))?.[1] ?? '';
  const forged = udpFrame({
    from: { mac: '02:5e:5e:00:00:50', address: '10.77.1.1', port: 9999 },
    to: { mac, address: mirror.address, port: 9999 },
  });
  const watch = watchFrames(mirror.namespace, ['eth0'], 'udp dport 9999');
  try {
    await sendFrames(
      site.stranger,
      Array.from({ length: 50 }, () => forged),
    );
    await sleep(500);
    expect(watch.count()).toBe(0);
  } finally {
    watch.end();
  }
});

it('opens of the LAN what the spec names there, and nothing else', async () => {
  await site.apply(opened('0.0.0.0/0', `${stranger}/32`));
  await until(20, 'vm1 reaches the one that is named', async () => await seenAs(vm1, stranger));
  expect(await seenAs(vm1, stranger)).toBe('192.168.10.11');
  expect(await seenAs(vm1, mirror.address)).toBe('192.168.10.11');
  expect(await seenAs(vm1, '192.168.10.12')).toBe('');
  expect(await seenAs(vm1, '192.168.10.1')).toBe('');
});

it('ends when it is ordered no more', async () => {
  await site.apply(opened('203.0.113.0/24'));
  await until(20, 'vm1 reaches the mirror', async () => await seenAs(vm1, mirror.address));
  expect(await seenAs(vm1, '198.51.100.1'), 'is not in it').toBe('');
  await site.apply(site.tableOf(vms));
  await until(20, 'it is closed', async () => (await seenAs(vm1, mirror.address)) === '');
  expect(await tables()).not.toContainEqual(expect.stringMatching(/_outside$/));
  expect(await leaseOf(vm1)).toMatch(/router=$/);
});

it('leaves no table when the cluster goes', async () => {
  await site.apply(opened('0.0.0.0/0'));
  await until(20, 'vm1 reaches the mirror', async () => await seenAs(vm1, mirror.address));
  expect(await tables()).toContainEqual(expect.stringMatching(/_outside$/));
  await site.apply(site.tableOf({ c1: [], c2: [], c3: [] }));
  expect(await tables()).toEqual([]);
});

it('brings a later cluster at the same range no answers to one that has gone', async () => {
  const mark = { ...operation.mark, cluster: 'beta', clusterId: 'beefbeef0001' };
  const later: Operation = { mark, epoch: 1 };
  const first = { ...site.tableOf({ c1: [1], c2: [], c3: [] }), outside: ['203.0.113.0/24'] };
  const edges = first.edges.map((edge) => ({
    ...edge,
    bridge: `${bridgePrefix(mark.clusterId)}1`,
  }));
  const second = { ...first, edges };
  const nothing = site.tableOf({ c1: [], c2: [], c3: [] });
  const begin = async (table: OverlayTable, of: Operation) => {
    await site.apply(table, key, of);
    await site.replug(site.c1, table);
    await until(20, 'vm1 reaches the mirror', async () => await seenAs(vm1, mirror.address));
  };
  const answers = async () => {
    const watch = watchFrames(vm1, ['eth0'], 'udp dport 9001');
    try {
      await sendUdp(mirror.namespace, 9000, '192.168.10.11', 9001);
      await sleep(500);
      return watch.count();
    } finally {
      watch.end();
    }
  };
  await begin(first, operation);
  await sendUdp(vm1, 9001, mirror.address, 9000);
  expect(await answers()).toBe(1);
  await site.apply(nothing);
  await begin(second, later);
  try {
    expect(await answers()).toBe(0);
  } finally {
    await site.apply(nothing, key, later);
  }
});
