import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Link } from '../../../../src/drivers/overlay/routed/link-config.ts';
import { linkChanges } from '../../../../src/drivers/overlay/routed/link-update.ts';
import { createLocalShell } from '../../../../src/transport/local-shell.ts';
import { sh, until } from '../hosts.ts';
import { startPings } from '../pings.ts';
import { startWgWorld, type Node, type WgWorld } from '../wg-world.ts';

const local = createLocalShell();
/** WireGuard begins a handshake anew every five seconds; so long it must have tried in vain. */
const patienceMs = 20_000;

let world: WgWorld;
let relay: Node;
let compute: Node;
let other: Node;

beforeEach(async () => {
  world = await startWgWorld(1, ['b', 's']);
  [relay, compute, other] = [world.node('r1'), world.node('b'), world.node('s')];
  for (const node of [relay, compute]) await countFrom(node, other);
});
afterEach(() => world?.stop());

/** Counts at a container what arrives of another's VM out of a link, and what of its UDP reaches the WAN's side. */
async function countFrom(node: Node, from: Node): Promise<void> {
  const rules = `table inet seen {
    counter arrived { }
    counter tried { }
    chain early { type filter hook prerouting priority -300;
      iifname "${node.namespace}-*" ip saddr ${from.address} counter name arrived
      iifname "wan0" ip saddr ${world.wanAddress(from)} meta l4proto udp counter name tried
    }
  }`;
  const argv = ['ip', 'netns', 'exec', node.namespace, 'nft', '-f', '-'] as const;
  const { exitCode, stderr } = await local.run(argv, { stdin: rules });
  if (exitCode !== 0) throw new Error(stderr);
}

async function counted(node: Node, name: 'arrived' | 'tried'): Promise<number> {
  const text = await world.run(node.namespace, `nft list counter inet seen ${name}`);
  return Number(/packets (\d+)/.exec(text)?.[1]);
}

const device = (node: Node, end: 'd' | 'r0') => `${node.namespace}-${end}`;
const publicKeyOf = async (node: Node) =>
  (await world.run(node.namespace, `wg show ${device(node, 'd')} public-key`)).trim();

/** Seconds since 1970 of the last handshake with a peer; 0 if there was none. */
async function handshakeAt(node: Node, end: 'd' | 'r0', peer: string): Promise<number> {
  const text = await world.run(node.namespace, `wg show ${device(node, end)} latest-handshakes`);
  const line = text.split('\n').find((each) => each.startsWith(peer));
  return Number(line?.split('\t')[1] ?? 0);
}

describe('a WireGuard device with a key that is in no plan', () => {
  /** As a stranger who knows the relay's public key and its endpoints would set it up. */
  async function aimAtRelay(end: 'd' | 'r0'): Promise<void> {
    const peer = await publicKeyOf(relay);
    const port = end === 'd' ? 51_820 : 51_830;
    const endpoint = `${world.wanAddress(relay)}:${port}`;
    await world.run(
      other.namespace,
      `wg set ${device(other, end)} peer ${peer} endpoint ${endpoint} persistent-keepalive 5`,
    );
    for (const [at, to] of [
      [other, relay],
      [relay, other],
    ] as const) {
      const route = `route replace ${to.address}/32 dev ${device(at, end)} src ${at.address}`;
      await sh(`ip -n ${at.namespace} ${route}`);
    }
  }

  it.each(['d', 'r0'] as const)(
    'gets no handshake, and no packet through (device %s)',
    async (end) => {
      const peer = await publicKeyOf(relay);
      await aimAtRelay(end);
      // That all the rest is right is shown by the key that is in the plan.
      await until(15, 'a handshake', async () => (await handshakeAt(other, end, peer)) > 0);
      const known = startPings(other, relay, 0.1);
      await sleep(2000);
      expect((await known.stop()).received).toBeGreaterThan(10);
      expect(await counted(relay, 'arrived')).toBeGreaterThan(10);

      const secret = join(other.directory, 'strange-key');
      writeFileSync(secret, (await sh('wg genkey')).trim(), { mode: 0o600 });
      // A device that begins anew, with all that the one before knew but its key.
      await world.run(other.namespace, `wg set ${device(other, end)} peer ${peer} remove`);
      await world.run(
        other.namespace,
        `wg set ${device(other, end)} private-key ${secret} peer ${peer} ` +
          `preshared-key ${join(other.directory, 'psk', String(relay.number))} ` +
          `allowed-ips ${relay.address}/32`,
      );
      await aimAtRelay(end);
      const before = {
        arrived: await counted(relay, 'arrived'),
        tried: await counted(relay, 'tried'),
      };
      const pings = startPings(other, relay, 0.1);
      await sleep(patienceMs);
      const { received } = await pings.stop();
      expect(received).toBe(0);
      expect(await handshakeAt(other, end, peer)).toBe(0);
      expect((await counted(relay, 'arrived')) - before.arrived).toBe(0);
      const tried = (await counted(relay, 'tried')) - before.tried;
      console.log(`measured: handshakes of a stranger that reached the relay: ${tried}`);
      expect(tried).toBeGreaterThan(1);
    },
  );
});

describe('a container that is taken out of the table', () => {
  /** As the driver takes a peer out of a link that runs. */
  async function takeOut(node: Node, end: 'd' | 'r0', leaving: string): Promise<void> {
    const dump = await world.run(node.namespace, `wg show ${device(node, end)} dump`);
    const wanted = wantedWithout(device(node, end), dump, leaving);
    const changes = linkChanges(wanted, dump, { key: '', psk: () => '' });
    expect(changes).toEqual(['peer', leaving, 'remove']);
    await world.run(node.namespace, `wg set ${device(node, end)} ${changes.join(' ')}`);
  }

  it('gets no packet through any more, directly or by the relay, whatever its keeper of paths tries', async () => {
    const leaving = await publicKeyOf(other);
    for (const node of [relay, compute, other]) world.startKeeper(node);
    await until(30, 'the direct path', async () =>
      [await world.routeDevice(compute, other), await world.routeDevice(other, compute)].every(
        (each) => each === 'd',
      ),
    );
    const pings = startPings(other, compute, 0.1);
    await sleep(2000);
    expect(await counted(compute, 'arrived')).toBeGreaterThan(10);

    for (const node of [relay, compute]) {
      const peers = [relay, compute].filter((each) => each !== node);
      world.configure(node, { peers: await Promise.all(peers.map(describePeer)) });
    }
    await takeOut(relay, 'd', leaving);
    await takeOut(relay, 'r0', leaving);
    await takeOut(compute, 'd', leaving);
    // What was on its way.
    await sleep(1000);
    const arrived = () => Promise.all([relay, compute].map((node) => counted(node, 'arrived')));
    const before = { arrived: await arrived(), tried: await counted(relay, 'tried') };
    await sleep(patienceMs);
    expect(await arrived()).toEqual(before.arrived);
    expect((await counted(relay, 'tried')) - before.tried).toBeGreaterThan(1);
    await pings.stop();
    for (const node of [relay, compute]) {
      const keys = await world.run(node.namespace, `wg show ${device(node, 'd')} peers`);
      expect(keys).not.toContain(leaving);
    }
    expect(world.path(compute, relay)?.class).toBe('direct');
  });

  async function describePeer(node: Node) {
    return {
      number: node.number,
      publicKey: await publicKeyOf(node),
      name: `site-${node.name}/${node.name}`,
      addresses: [node.address],
      ...(node.relays ? { publicEndpoint: { address: world.wanAddress(node), port: 51_820 } } : {}),
    };
  }
});

/** The link as it runs, but for one peer. */
function wantedWithout(name: string, dump: string, leaving: string): Link {
  const [first = '', ...lines] = dump.trimEnd().split('\n');
  const [privateKey = '', , port] = first.split('\t');
  const peers = lines.map((line, number) => {
    const [publicKey = '', preshared = '', , allowed = ''] = line.split('\t');
    return { number, publicKey, preshared, allowed: allowed.split(',') };
  });
  return {
    device: name,
    address: '',
    privateKey,
    port: Number(port),
    peers: peers.filter(({ publicKey }) => publicKey !== leaving),
    config: '',
  };
}
