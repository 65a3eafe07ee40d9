import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Edge } from '../../../src/domain/overlay.ts';
import { createLocalShell } from '../../../src/transport/local-shell.ts';
import { pings, sh, until, type TestHost } from './hosts.ts';
import { leaseOf } from './lease.ts';
import { startPings } from './pings.ts';
import { startRoutedSite, vmNamespace, type RoutedSite } from './routed-site.ts';

const local = createLocalShell();
const small = { c1: [1, 2], c2: [3], c3: [] };
const bigger = { c1: [1, 2, 4], c2: [3], c3: [] };
const withOther = { ...bigger, c3: [5] };
const [vm1, vm2, vm3, vm5] = ['vm1', 'vm2', 'vm3', 'vm5'].map(vmNamespace) as [
  string,
  string,
  string,
  string,
];

let site: RoutedSite;

beforeAll(async () => {
  site = await startRoutedSite();
});
afterAll(async () => site?.stop());

const reaches = (from: string, address: string) =>
  until(20, `${from} reaches ${address}`, async () => (await pings(from, address, 1)) === 1);

/** From vm1, 50 each second. */
const flood = (address: string) =>
  startPings({ namespace: vm1, address: '10.77.1.1' }, { address }, 0.02);

/** How many of five pings of this size, that may not be split, were answered. */
async function wholePings(from: string, address: string, size: number): Promise<number> {
  const argv = ['ping', '-M', 'do', '-s', String(size), '-c', '5', '-i', '0.2', '-W', '1', address];
  const { stdout } = await local.run(['ip', 'netns', 'exec', from, ...argv] as never);
  return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
}

const links = async (host: TestHost) =>
  [...(await site.pids(host))].filter(([name]) => name.startsWith('wireguard-go'));

it('lets VMs of one and of different containers reach each other, with whole packets too', async () => {
  const table = site.tableOf(small);
  await site.apply(table);
  await site.plug(table);
  await site.joined();
  expect((await site.paths(site.c1)).map((path) => path.class)).toEqual(['lan']);
  for (const [from, to] of [
    [vm1, '10.77.1.2'],
    [vm1, '10.77.1.3'],
    [vm3, '10.77.1.2'],
  ] as const) {
    await reaches(from, to);
    expect(await wholePings(from, to, 1392)).toBe(5);
  }
});

it('answers for no address that no VM has', async () => {
  expect(await pings(vm1, '10.77.1.77', 3)).toBe(0);
  expect(await sh(`ip -n ${vm1} neigh show 10.77.1.77`)).toMatch(/FAILED|INCOMPLETE/);
});

it('gives a VM its address, MTU and boot file, and no router', async () => {
  for (const edge of site.tableOf(small).edges) {
    const given = await leaseOf(vmNamespace(edge.vm));
    expect(given).toMatch(
      new RegExp(
        String.raw`^ip=${edge.address} mtu=1420 boot=http://10\.77\.1\.1/cgi-bin/boot\.ipxe\S* server=10\.77\.1\.1 router=$`,
      ),
    );
  }
});

it('loses no packet of others while a VM and a container come and go', async () => {
  const before = [await links(site.c1), await links(site.c2)];
  const flow = [flood('10.77.1.3'), flood('10.77.1.2')];
  await sleep(1000);
  for (const vms of [bigger, withOther]) {
    await site.apply(site.tableOf(vms));
    await site.plug(site.tableOf(vms));
    await sleep(2000);
  }
  await site.joined();
  await reaches(vm5, '10.77.1.1');
  await reaches(vm5, '10.77.1.3');
  expect(await wholePings(vm3, '10.77.1.5', 1392)).toBe(5);
  await site.unplug('vm5');
  await site.apply(site.tableOf(bigger));
  await site.unplug('vm4');
  await site.apply(site.tableOf(small));
  await sleep(2000);
  for (const each of flow) {
    const { sent, lost } = await each.stop();
    expect(lost.length, `lost: ${lost.slice(0, 20).join()}`).toBe(0);
    expect(sent).toBeGreaterThan(200);
  }
  expect([await links(site.c1), await links(site.c2)]).toEqual(before);
  const shared = await sh(`find ${site.c1.directory}/pool/overlay -path */psk/*`);
  expect(shared.trim().split('\n'), 'what was shared with the one that left is gone').toHaveLength(
    1,
  );
});

it('loses no packet when the key of the overlay changes, and links come up with the new one', async () => {
  const flow = flood('10.77.1.3');
  await sleep(2000);
  await site.apply(site.tableOf(small), 'another-key-that-only-this-test-has-0123456789');
  await sleep(15_000);
  const { sent, lost } = await flow.stop();
  expect(sent).toBeGreaterThan(700);
  expect(lost.length, `lost: ${lost.slice(0, 20).join()}`).toBe(0);
  const old = await links(site.c2);
  for (const [, pid] of old) process.kill(pid, 'SIGKILL');
  const began = Date.now();
  await sleep(500);
  await reaches(vm1, '10.77.1.3');
  for (const [name, pid] of old) expect((await site.pids(site.c2)).get(name)).not.toBe(pid);
  console.log(`with the new key after ${(Date.now() - began) / 1000} s`);
}, 60_000);

it('brings the VMs back within seconds after kill -9 of a link or of the keeper of paths', async () => {
  for (const host of [site.c1, site.c2]) {
    for (const [name, pid] of await site.pids(host)) {
      const flow = flood('10.77.1.3');
      await sleep(1000);
      process.kill(pid, 'SIGKILL');
      await sleep(6000);
      const { longestGap } = await flow.stop();
      console.log(`${host.name} ${name}: longest gap ${longestGap.toFixed(2)} s`);
      expect(longestGap, name).toBeLessThan(15);
      expect((await site.pids(host)).get(name), `a new ${name}`).not.toBe(pid);
      await site.joined();
    }
  }
}, 180_000);

it('brings the VMs back after a reboot of a container', async () => {
  const table = site.tableOf(small);
  for (const host of [site.c1, site.c2]) {
    await rebootWithout(host, table.edges);
    const began = Date.now();
    await site.replug(host, table);
    await until(30, 'vm1 reaches vm3', async () => (await pings(vm1, '10.77.1.3', 1)) === 1);
    const seconds = (Date.now() - began) / 1000;
    console.log(`${host.name}: back ${seconds} s after its reboot`);
    expect(seconds).toBeLessThan(60);
    await site.joined();
    expect(await pings(vm2, '10.77.1.3')).toBe(5);
  }
}, 120_000);

/** As a reboot does: bridges, links and rules are gone too. */
async function rebootWithout(host: TestHost, edges: Edge[]): Promise<void> {
  await host.reboot();
  const text = await host.run('ip -o link');
  const own = text.match(/[bw]c0ffee12-\w+/g) ?? [];
  expect(own.length).toBeGreaterThan(edges.filter((edge) => site.host(edge) === host).length);
  for (const name of new Set(own)) await host.shell.run(['ip', 'link', 'delete', 'dev', name]);
  await host.run('nft flush ruleset');
  await host.shell.run(['ip', 'route', 'delete', 'unreachable', '10.77.1.0/24']);
}
