import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Path } from '../../../domain/overlay.ts';
import { routedOrderSchema, type RoutedOrder } from '../../../domain/routed-verbs.ts';
import { linkMtuOf } from './link-config.ts';
import { ignoreAbsent } from '../../../transport/durable-file.ts';
import { directDevice, prefix6, relayDevice } from './names.ts';
import { smallestMtu } from './paths/mtu.ts';
import type { PathsConfig } from './paths/config.ts';
import { pathsStateSchema, type PathsState } from './paths/state.ts';

/** Seconds after which what the keeper of paths has written is no longer believed: it writes every 30. */
const staleSeconds = 60;

/** The keeper of paths needs less for a way that is there, with two looks at each size. */
const measuringSeconds = 10;

/** What the keeper of paths is told. */
export function renderPaths(clusterId: string, order: RoutedOrder): string {
  const config: PathsConfig = {
    version: 1,
    self: order.self,
    prefix6: prefix6(clusterId),
    mtu: linkMtuOf(order),
    direct: { device: directDevice(clusterId), port: order.port },
    relays: order.relays.map(({ number, endpoint }, index) => ({
      number,
      device: relayDevice(clusterId, index),
      endpoint,
      tcpPort: endpoint.port,
    })),
    peers: order.peers,
  };
  return JSON.stringify(config);
}

/** What was last ordered, for descriptions and for the removal. */
export async function readOrder(directory: string): Promise<RoutedOrder | undefined> {
  const text = await ignoreAbsent(readFile(join(directory, 'order.json'), 'utf8'));
  return text === undefined ? undefined : routedOrderSchema.parse(JSON.parse(text));
}

/** How the container reaches the others, and whether it has joined them. */
export async function readPaths(
  directory: string,
  order: RoutedOrder,
): Promise<{ paths: Path[]; joined: boolean; detail: string }> {
  if (order.peers.length === 0) return { paths: [], joined: true, detail: 'it has no peers' };
  if (order.relays.length === 0) return { paths: [], joined: true, detail: 'in clear, unproved' };
  const text = await ignoreAbsent(readFile(join(directory, 'paths-state.json'), 'utf8'));
  const state = text === undefined ? undefined : pathsStateSchema.parse(JSON.parse(text));
  if (!state || state.at < Date.now() / 1000 - staleSeconds) {
    return { paths: [], joined: false, detail: 'nobody tells of its paths' };
  }
  const siblings = new Set(order.peers.flatMap((peer) => (peer.lanEndpoint ? [peer.number] : [])));
  const paths = state.paths.map(
    ({ number, endpoint: _endpoint, directAlive: _alive, name, ...path }) => ({
      from: '',
      to: name,
      ...path,
      // To a relay of its own site it goes by the relay's link, and through the LAN all the same.
      class: path.class === 'direct' && siblings.has(number) ? ('lan' as const) : path.class,
    }),
  );
  return { paths, ...judge(order, state) };
}

/** A container has joined when a relay hears it, and when whole packets pass: a black hole is found here. */
function judge(order: RoutedOrder, state: PathsState): { joined: boolean; detail: string } {
  if (state.relaysAlive.length === 0) return { joined: false, detail: 'no relay answers' };
  // One that is not there at all is its own container's trouble.
  const there = state.paths.filter((path) => path.class !== 'down');
  // Frames go by the direct link alone, whatever else there is.
  const indirect = order.layer2 && there.find((path) => path.directAlive === false);
  if (indirect) {
    return {
      joined: false,
      detail: `no direct path to ${indirect.name}, and vxlan has no other: use overlay routed`,
    };
  }
  const wanted = linkMtuOf(order);
  const unknown = there.find(({ mtu }) => mtu === undefined);
  if (unknown) {
    const measuring = state.at - unknown.since < measuringSeconds;
    return {
      joined: false,
      detail: measuring
        ? `the way to ${unknown.name} is being measured`
        : `not even packets of ${smallestMtu} bytes pass to ${unknown.name}: the overlay needs that`,
    };
  }
  const small = there.find(({ mtu }) => mtu !== undefined && mtu < wanted);
  if (small) {
    return {
      joined: false,
      detail: `packets of ${wanted} bytes do not pass to ${small.name}, of ${small.mtu} they do: set overlay.mtu`,
    };
  }
  return { joined: true, detail: 'a relay answers' };
}
