import { setTimeout as sleep } from 'node:timers/promises';
import { idleMs } from '../../src/drivers/overlay/routed/paths/liveness.ts';
import { mtuPeriodMs } from '../../src/drivers/overlay/routed/paths/mtu.ts';
import { startWgWorld } from '../../test/lab/overlay/wg-world.ts';
import { until, type Ground } from '../overlay/ground.ts';
import { n2nRelayed } from '../overlay/kinds/n2n.ts';
import { wanDevice } from '../overlay/places.ts';
import { layWan } from '../overlay/wan.ts';

const seconds = 60;
/** WireGuard makes a new session key so often, with about three messages. */
const rekeySeconds = 120;
/** Between a container and a relay. */
const keepaliveSeconds = 5;

/** Per second, at one end. */
export interface Rate {
  sent: number;
  received: number;
  bytesSent: number;
}

/**
 * Packets that a container sends per second while no VM says anything, as the constants of the keeper of
 * paths have it: every pair asks and answers once in its idle time, measures its MTU and renews its
 * keys; the two links with each relay are asked more often, and have keepalives besides.
 *
 * @param peers all of them, relays too.
 */
export function modelledSent(peers: number, relays: number): number {
  const keys = 3 / 2 / rekeySeconds;
  const sizes = (2 * 1000) / mtuPeriodMs;
  const direct = 1000 / idleMs.direct + keys;
  const withRelay = 1000 / idleMs.relay + keys + 1 / keepaliveSeconds;
  return peers * sizes + (peers - relays) * direct + relays * 2 * withRelay;
}

/** A container behind a NAT with two peers, one of which relays; all paths are direct. */
export async function measureRouted(): Promise<Rate> {
  const world = await startWgWorld(1, ['b', 'c']);
  try {
    const [relay, b, c] = ['r1', 'b', 'c'].map((name) => world.node(name));
    if (!relay || !b || !c) throw new Error('nodes are missing');
    for (const node of [relay, b, c]) world.startKeeper(node);
    await until(
      'direct paths',
      () => [c, relay].every((other) => world.path(b, other)?.class === 'direct'),
      60,
    );
    await sleep(15_000);
    return await count((file) => world.run(`${b.namespace}n`, `cat ${file}`));
  } finally {
    await world.stop();
  }
}

/** One edge of n2n with its supernode, as clusters run it. */
export async function measureN2n(ground: Ground): Promise<Rate> {
  await layWan(ground, { name: 'idle', title: 'idle', rttMs: 0 });
  const path = await n2nRelayed.build(ground, 1);
  await path.settled?.();
  // No VM says anything: not even that it looks for a router.
  for (const place of ['leftVm', 'rightVm'] as const) {
    await ground.sysctl(place, { 'net.ipv6.conf.all.disable_ipv6': 1 });
  }
  await sleep(15_000);
  return count((file) => ground.run('left', ['cat', file]));
}

/** What passes the device to the network between the sites in a minute. */
async function count(read: (file: string) => Promise<string>): Promise<Rate> {
  const look = async () => {
    const counter = async (name: string) =>
      Number(await read(`/sys/class/net/${wanDevice}/statistics/${name}`));
    return {
      sent: await counter('tx_packets'),
      received: await counter('rx_packets'),
      bytesSent: await counter('tx_bytes'),
    };
  };
  const before = await look();
  await sleep(seconds * 1000);
  const after = await look();
  return {
    sent: (after.sent - before.sent) / seconds,
    received: (after.received - before.received) / seconds,
    bytesSent: (after.bytesSent - before.bytesSent) / seconds,
  };
}
