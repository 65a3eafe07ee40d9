import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../hosts.ts';
import { startFlood, startPings } from '../pings.ts';
import { startWgWorld, type Node, type WgWorld } from '../wg-world.ts';

/** The figures are printed; on a quiet machine they are below 2. Far more than that is a fault. */
const limitSeconds = 12;

let world: WgWorld;
let nodes: Record<string, Node>;

/** Starts a world and its keepers. */
async function start(relays: number, names = ['b', 'c']): Promise<void> {
  world = await startWgWorld(relays, names);
  const all = [...Array.from({ length: relays }, (_, index) => `r${index + 1}`), ...names];
  nodes = Object.fromEntries(all.map((name) => [name, world.node(name)]));
}

function startKeepers(): void {
  for (const node of Object.values(nodes)) world.startKeeper(node);
}

const at = (name: string): Node => world.node(name);

/** Until the VMs' traffic takes this device in both directions. */
function both(a: string, b: string, device: string, seconds: number): Promise<unknown> {
  return until(seconds, `${a} and ${b} by ${device}`, async () => {
    const there = await world.routeDevice(at(a), at(b));
    const back = await world.routeDevice(at(b), at(a));
    return there === device && back === device;
  });
}

function measured(what: string, value: unknown): void {
  console.log(`measured: ${what}: ${typeof value === 'string' ? value : JSON.stringify(value)}`);
}

async function secondsUntil(wait: Promise<unknown>): Promise<number> {
  const began = Date.now();
  await wait;
  return (Date.now() - began) / 1000;
}

afterEach(async (context) => {
  if (context.task.result?.state === 'fail') {
    for (const node of Object.values(nodes)) {
      console.log(node.name, world.log(node), JSON.stringify(world.state(node)));
    }
  }
  await world?.stop();
});

describe('the keeper of paths, with one relay and two containers behind NATs', () => {
  beforeEach(() => start(1));

  it('brings together two containers that nobody reaches from outside, and measures the path', async () => {
    startKeepers();
    measured('direct after', await secondsUntil(both('b', 'c', 'd', 30)));
    await until(15, 'the MTU', async () => {
      const path = world.path(at('b'), at('c'));
      return path?.class === 'direct' && path.mtu === 1420;
    });
    expect(world.path(at('b'), at('c'))).toMatchObject({
      class: 'direct',
      carrier: 'udp',
      endpoint: { address: world.wanAddress(at('c')), port: 51820 },
    });
    expect(world.path(at('b'), at('r1'))).toMatchObject({ class: 'direct' });
    expect(world.state(at('b'))?.relaysAlive).toEqual([1]);
  });

  it('loses no packet in 100 switches between relay and direct', async () => {
    startKeepers();
    await both('b', 'c', 'd', 30);
    const pings = startPings(at('b'), at('c'), 0.01);
    let switches = 0;
    for (let turn = 0; turn < 100; turn += 1) {
      const relayOnly = turn % 2 === 0;
      for (const name of ['b', 'c']) world.configure(at(name), { relayOnly });
      await both('b', 'c', relayOnly ? 'r0' : 'd', 3);
      switches += 1;
    }
    const { sent, received, lost } = await pings.stop();
    measured(`packets in ${switches} switches`, { sent, received, lost });
    expect(received).toBe(sent);
  });

  it('goes by the relay within 2 s when the direct path dies, and comes back', async () => {
    startKeepers();
    await both('b', 'c', 'd', 30);
    const pings = startPings(at('b'), at('c'), 0.05);
    await sleep(1000);
    await world.block(
      at('b'),
      `ip daddr ${world.wanAddress(at('c'))} drop`,
      `ip saddr ${world.wanAddress(at('c'))} drop`,
    );
    await both('b', 'c', 'r0', 15);
    await sleep(6000);
    const { longestGap, sent, received } = await pings.stop();
    measured('without traffic when the direct path was blocked', { longestGap, sent, received });
    expect(longestGap).toBeLessThan(limitSeconds);
    await world.block(at('b'));
    measured('direct again after', await secondsUntil(both('b', 'c', 'd', 40)));
  });

  it('goes by the relay when packets pass the direct path in one direction alone', async () => {
    startKeepers();
    await both('b', 'c', 'd', 30);
    const pings = startPings(at('b'), at('c'), 0.05);
    await sleep(1000);
    await world.block(at('b'), `ip saddr ${world.wanAddress(at('c'))} drop`);
    await both('b', 'c', 'r0', 15);
    await sleep(1000);
    const { longestGap } = await pings.stop();
    measured('without traffic when one direction was blocked', longestGap);
    expect(longestGap).toBeLessThan(limitSeconds);
  });

  it('stays on the relay where both NATs are symmetric, and loses nothing by its attempts', async () => {
    for (const name of ['b', 'c']) await world.natMode(at(name), true);
    startKeepers();
    // The first relay is also where packets go while nothing is known to be alive.
    await until(30, 'the relay', async () => {
      const paths = [world.path(at('b'), at('c')), world.path(at('c'), at('b'))];
      return paths.every((path) => path?.class === 'relayed');
    });
    const pings = startPings(at('b'), at('c'), 0.05);
    await sleep(14_000);
    const { sent, received, lost } = await pings.stop();
    measured('packets while direct was tried in vain', { sent, received, lost });
    expect(received).toBe(sent);
    expect(world.path(at('b'), at('c'))).toMatchObject({ class: 'relayed', via: 'site-r1/r1' });
  });

  it('finds its paths again after a NAT has got another address', async () => {
    startKeepers();
    await both('b', 'c', 'd', 30);
    const pings = startPings(at('b'), at('c'), 0.05);
    await sleep(1000);
    await world.moveNat(at('b'));
    await both('b', 'c', 'r0', 10).catch(() => undefined);
    measured('direct again after', await secondsUntil(both('b', 'c', 'd', 12)));
    await sleep(1000);
    const { longestGap } = await pings.stop();
    measured('without traffic when the NAT had another address', longestGap);
    expect(longestGap).toBeLessThan(30);
  });

  it('carries the link with the relay by TCP where UDP is blocked', async () => {
    await world.block(at('b'), 'meta l4proto udp drop');
    startKeepers();
    await both('b', 'c', 'r0', 15);
    for (const name of ['b', 'c']) world.configure(at(name), { relayOnly: true });
    const tcp = until(20, 'TCP', async () => {
      const [there, back] = [world.path(at('b'), at('c')), world.path(at('c'), at('b'))];
      return there?.carrier === 'tcp' && there.class === 'relayed' && back?.class === 'relayed';
    });
    measured('by TCP after', await secondsUntil(tcp));
    const pings = startPings(at('b'), at('c'), 0.05);
    await sleep(5000);
    const first = await pings.stop();
    measured('packets by TCP', first);
    expect(first.received).toBe(first.sent);
    const more = startPings(at('b'), at('c'), 0.05);
    await world.block(at('b'));
    const udp = until(90, 'UDP', async () => world.path(at('b'), at('c'))?.carrier === 'udp');
    measured('by UDP again after', await secondsUntil(udp));
    const second = await more.stop();
    measured('packets during the return to UDP', second);
    expect(second.longestGap).toBeLessThan(limitSeconds);
  });

  it.each([
    ['b', 0],
    ['b', 1],
    ['r1', 0],
    ['r1', 1],
  ])('is back within 2 s when WireGuard of %s (device %i) is killed', async (name, index) => {
    startKeepers();
    await both('b', 'c', 'd', 30);
    if (index === 1) {
      for (const each of ['b', 'c']) world.configure(at(each), { relayOnly: true });
      await both('b', 'c', 'r0', 15);
    }
    await sleep(6000);
    const pings = startPings(at('b'), at('c'), 0.05);
    await sleep(1000);
    world.killDevice(at(name), index);
    await sleep(6000);
    const { longestGap } = await pings.stop();
    measured(`without traffic when ${name}'s device ${index} was killed`, longestGap);
    expect(longestGap).toBeLessThan(limitSeconds);
  });

  it('leaves living paths alone when it is started again', async () => {
    startKeepers();
    await both('b', 'c', 'd', 30);
    const pings = startPings(at('b'), at('c'), 0.02);
    for (const node of Object.values(nodes)) {
      await world.stopKeeper(node);
      world.startKeeper(node);
      await sleep(3000);
    }
    const { sent, received, lost } = await pings.stop();
    measured('packets while all keepers were started again', { sent, received, lost });
    expect(received).toBe(sent);
    expect(world.path(at('b'), at('c'))?.class).toBe('direct');
  });

  it('needs next to nothing while nothing happens', async () => {
    startKeepers();
    await both('b', 'c', 'd', 30);
    await sleep(5000);
    const before = world.cpuSeconds(at('b'));
    await sleep(20_000);
    const after = world.cpuSeconds(at('b'));
    measured('of one processor', (after.cpu - before.cpu) / 20);
    measured('MB of memory', after.memoryMb);
    expect((after.cpu - before.cpu) / 20).toBeLessThan(0.5);
  });
});

describe('the keeper of paths, with two relays', () => {
  beforeEach(() => start(2));

  /** Pings by one of the relays, once the container hears both; and by which. */
  async function pingByRelay(container: string) {
    for (const name of ['b', 'c']) world.configure(at(name), { relayOnly: true });
    startKeepers();
    const hears = async () => world.state(at(container))?.relaysAlive.length === 2;
    await until(30, 'relays', hears);
    await sleep(6000);
    const pings = startPings(at('b'), at('c'), 0.05);
    await sleep(1000);
    return { pings, used: await world.routeDevice(at('b'), at('c')) };
  }

  it('goes by the other relay within 2 s when one dies', async () => {
    const { pings, used } = await pingByRelay('b');
    const index = used === 'r0' ? 1 : 2;
    const relay = at(`r${index}`);
    await world.stopKeeper(relay);
    for (const device of [0, 1, 2]) world.killDevice(relay, device, false);
    await both('b', 'c', index === 1 ? 'r1' : 'r0', 5);
    await sleep(1000);
    const { longestGap } = await pings.stop();
    measured('without traffic when the relay died', longestGap);
    expect(longestGap).toBeLessThan(limitSeconds);
  });

  it('goes by the other relay when one container alone loses its link with a relay', async () => {
    const { pings, used } = await pingByRelay('c');
    world.killDevice(at('c'), used === 'r0' ? 1 : 2, false);
    await both('b', 'c', used === 'r0' ? 'r1' : 'r0', 5);
    await sleep(1000);
    const { longestGap } = await pings.stop();
    measured('without traffic when one link with the relay died', longestGap);
    expect(longestGap).toBeLessThan(limitSeconds);
  });
});

describe('the keeper of paths, with a relay that has much to do', () => {
  beforeEach(() => start(2, ['b', 'c', 'd', 'e']));

  it('takes the other one, where the numbers alone would lead to the first', async () => {
    for (const name of ['c', 'e']) world.configure(at(name), { relayOnly: true });
    for (const name of ['r1', 'r2', 'c', 'e']) world.startKeeper(at(name));
    // Both numbers are even.
    await both('c', 'e', 'r0', 30);
    await world.stopKeeper(at('e'));
    const flood = await startFlood(at('c'), at('r1'));
    try {
      await sleep(3000);
      world.startKeeper(at('e'));
      const moved = until(30, 'the other relay', async () => {
        return (await world.routeDevice(at('e'), at('c'))) === 'r1';
      });
      measured('by the relay with less to do after', await secondsUntil(moved));
    } finally {
      flood.kill('SIGKILL');
    }
  });
});
