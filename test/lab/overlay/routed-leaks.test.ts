import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { watchFrames } from '../network/frames.ts';
import { pings, sh, until, type TestHost } from './hosts.ts';
import {
  arpReply,
  dhcp,
  routerAdvertisement,
  sendFrames,
  udpFrame,
  type UdpFrame,
} from './raw-frames.ts';
import { startRoutedSite, vmNamespace, type RoutedSite } from './routed-site.ts';
import { routedEdge } from './routed-table.ts';

const vms = { c1: [1, 2], c2: [3], c3: [4] };
const gateway = { mac: '02:ff:00:00:00:fe', address: '10.77.1.254' };
const [vm1, vm2, vm3, vm4] = [1, 2, 3, 4].map((number) => {
  const { mac, address, bridge } = routedEdge(number, 'c1');
  return { mac, address, bridge, namespace: vmNamespace(`vm${number}`) };
}) as [Vm, Vm, Vm, Vm];
const others = [vm2, vm3, vm4];
const test = { port: 9999, match: 'udp dport 9999' };

interface Vm {
  mac: string;
  address: string;
  bridge: string;
  namespace: string;
}

let site: RoutedSite;

beforeAll(async () => {
  site = await startRoutedSite();
  const table = site.tableOf(vms);
  await site.apply(table);
  await site.plug(table);
  await site.joined();
  for (const { address } of others) {
    await until(20, `vm1 reaches ${address}`, async () => {
      return (await pings(vm1.namespace, address, 1)) === 1;
    });
  }
});
afterAll(async () => site?.stop());

const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));

/** Frames of a kind at interfaces of some namespaces while something happens. */
async function countAt(
  places: { namespace: string; interfaces: string[] }[],
  match: string,
  happens: () => Promise<unknown>,
): Promise<number> {
  const watches = places.map((each) => watchFrames(each.namespace, each.interfaces, match));
  try {
    await happens();
    await sleep(500);
    return watches.reduce((sum, watch) => sum + watch.count(), 0);
  } finally {
    for (const watch of watches) watch.end();
  }
}

const at = (list: Vm[]) => list.map(({ namespace }) => ({ namespace, interfaces: ['eth0'] }));
/** The LAN with all that is in it, and the way to the other site. */
const outside = () => [
  { namespace: site.frontend.name, interfaces: ['h0', 'h1', 'h9', 'lan0', 'wan0'] },
];
async function linksOf(host: TestHost) {
  const names = (await host.run('ip -o link')).match(/wc0ffee12-\w+/g) ?? [];
  return { namespace: host.name, interfaces: [...new Set(names)] };
}
const links = () => Promise.all([site.c1, site.c2, site.c3].map(linksOf));

const fromVm1 = (to: UdpFrame['to'], changed: Partial<UdpFrame['from']> = {}, payload?: Buffer) =>
  udpFrame({
    from: { ...vm1, port: test.port, ...changed },
    to,
    ...(payload ? { payload } : {}),
  });
const question = (index: number, mac = vm1.mac) =>
  fromVm1(
    { address: '255.255.255.255', port: 67 },
    { address: '0.0.0.0', port: 68 },
    dhcp('discover', mac, 1000 + index),
  );

it('keeps the questions of a VM for an address to its own bridge', async () => {
  const match = 'udp dport { 67, 68 }';
  const ask = () =>
    sendFrames(
      vm1.namespace,
      times(100, (index) => question(index)),
    );
  const places = [...outside(), ...at(others), ...(await links())];
  expect(await countAt(places, match, ask)).toBe(0);
  // So the sender works: they are answered.
  expect(await countAt(at([vm1]), 'udp sport 67', ask)).toBeGreaterThan(50);
});

it('answers a VM that asks with the MAC of another nothing', async () => {
  const frames = times(100, (index) => question(index, vm2.mac));
  const ask = () => sendFrames(vm1.namespace, frames);
  expect(await countAt(at([vm1, ...others]), 'udp sport 67', ask)).toBe(0);
});

it('neither hears nor answers DHCP of the LAN', async () => {
  const stranger = { mac: '02:5e:5e:00:00:50', address: '0.0.0.0', port: 68 };
  const all = { address: '255.255.255.255' };
  const frames = times(100, (index) => [
    udpFrame({
      from: stranger,
      to: { ...all, port: 67 },
      payload: dhcp('discover', vm1.mac, index),
    }),
    udpFrame({
      from: { ...stranger, address: '192.168.10.50', port: 67 },
      to: { ...all, port: 68 },
      payload: dhcp('offer', vm1.mac, index),
    }),
  ]).flat();
  const send = () => sendFrames(site.stranger, frames);
  expect(await countAt(at([vm1, ...others]), 'udp dport { 67, 68 }', send)).toBe(0);
  const containers = [site.c1, site.c2].map(({ name }) => ({
    namespace: name,
    interfaces: ['eth0'],
  }));
  const answers = 'udp sport 67 ip saddr { 192.168.10.11, 192.168.10.12, 10.77.1.254 }';
  expect(await countAt(containers, answers, send)).toBe(0);
  expect(await countAt(containers, 'udp dport { 67, 68 }', send), 'they came').toBe(400);
});

it('delivers nothing that a VM sends as another', async () => {
  const targets = others.map(({ address }) => ({ mac: gateway.mac, address, port: test.port }));
  const target = (index: number) => targets[index % targets.length]!;
  const sources = [vm2.address, vm3.address, '10.77.1.77', '192.168.10.11', '198.51.100.7'];
  const forged = times(500, (index) => [
    fromVm1(target(index), { mac: index % 2 === 0 ? vm2.mac : '02:00:00:00:00:99' }),
    fromVm1(target(index), { address: sources[index % sources.length]! }),
  ]).flat();
  const places = [...at(others), ...outside()];
  const send = (frames: Buffer[]) => () => sendFrames(vm1.namespace, frames);
  expect(await countAt(places, test.match, send(forged))).toBe(0);
  // So the sender works: what is its own arrives.
  const own = times(99, (index) => fromVm1(target(index)));
  expect(await countAt(at(others), test.match, send(own))).toBe(99);
});

it('lets no broadcast, multicast or ARP of a VM out of its bridge', async () => {
  const all = ['255.255.255.255', '10.77.1.255', '224.0.0.251'];
  const frames = times(300, (index) => fromVm1({ address: all[index % 3]!, port: test.port }));
  const arps = times(100, () => arpReply(vm1.mac, vm3.address, vm2.address));
  const send = () => sendFrames(vm1.namespace, [...frames, ...arps]);
  const places = [...at(others), ...outside(), ...(await links())];
  expect(await countAt(places, test.match, send)).toBe(0);
  const seek = async () => {
    await send();
    for (const last of [2, 3, 4, 77, 78]) await pings(vm1.namespace, `10.77.1.${last}`, 1);
  };
  const arp = 'arp saddr ip 10.77.1.0/24';
  expect(await countAt([...at(others), ...outside()], `${arp} arp daddr ip 10.77.1.1`, seek)).toBe(
    0,
  );
  expect(await countAt(outside(), arp, seek)).toBe(0);
  expect(await countAt(outside(), 'arp daddr ip 10.77.1.0/24', seek)).toBe(0);
  expect(await pings(vm2.namespace, vm3.address), 'nobody has believed it').toBe(5);
});

it('lets no DHCP server and no router of a VM be heard by another', async () => {
  const offers = times(100, (index) => {
    const payload = dhcp('offer', vm2.mac, index);
    const to = index % 2 === 0 ? { address: '255.255.255.255' } : { ...vm2, mac: gateway.mac };
    return fromVm1({ ...to, port: 68 }, { port: 67 }, payload);
  });
  const adverts = times(100, () => routerAdvertisement(vm1.mac));
  const send = () => sendFrames(vm1.namespace, [...offers, ...adverts]);
  const places = [...at(others), ...outside()];
  expect(await countAt(places, `ip saddr ${vm1.address} udp sport 67`, send)).toBe(0);
  expect(await countAt(places, 'ip6 saddr fe80::bad', send)).toBe(0);
});

it('lets VMs neither out of the overlay nor others in', async () => {
  await sh(`ip -n ${vm1.namespace} route add default via ${gateway.address}`);
  await sh(`ip -n ${site.stranger} route add 10.77.1.0/24 via 192.168.10.11`);
  const goOut = async () => {
    for (const address of [
      '192.168.10.11',
      '192.168.10.12',
      '192.168.10.50',
      '192.168.10.1',
      '198.51.100.1',
      '198.51.100.9',
      gateway.address,
    ]) {
      expect(await pings(vm1.namespace, address, 2), address).toBe(0);
    }
  };
  expect(await countAt(outside(), 'ip saddr 10.77.1.0/24', goOut)).toBe(0);
  expect(await countAt(at([vm1]), 'icmp type echo-request', goOut), 'they were sent').toBe(14);
  const comeIn = async () => {
    for (const { address } of [vm1, vm2, vm3]) {
      expect(await pings(site.stranger, address, 2), address).toBe(0);
    }
    const mac = (await sh(`ip -n ${site.c1.name} -o link show dev eth0`)).match(/ether (\S+)/)?.[1];
    const as = (address: string) =>
      udpFrame({
        from: { mac: '02:5e:5e:00:00:50', address, port: test.port },
        to: { mac: mac ?? '', address: vm2.address, port: test.port },
      });
    await sendFrames(
      site.stranger,
      times(100, (index) => as(index % 2 === 0 ? vm1.address : vm3.address)),
    );
  };
  expect(await countAt(at([vm1, ...others]), 'ip saddr 192.168.10.0/24', comeIn)).toBe(0);
  expect(await countAt(at([vm1, ...others]), test.match, comeIn)).toBe(0);
  const lan = [{ namespace: site.c1.name, interfaces: ['eth0'] }];
  expect(await countAt(lan, test.match, comeIn), 'they came').toBe(100);
}, 120_000);
