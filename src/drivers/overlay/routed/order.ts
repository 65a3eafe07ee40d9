import { addressAt, parseRange } from '../../../domain/address.ts';
import { Failure } from '../../../domain/failure.ts';
import type { OverlayTable, Peer } from '../../../domain/overlay.ts';
import { gatewayOf } from '../../../domain/plan-overlay.ts';
import type { Forward, RoutedOrder } from '../../../domain/routed-verbs.ts';

/**
 * What one VM container must know of the overlay, seen from where it is: containers of its own site it
 * reaches by their addresses in the LAN. Nothing if it has no part in it.
 */
export function orderFor(
  table: OverlayTable,
  site: string,
  container: string,
): RoutedOrder | undefined {
  const self = peersOf(table).find((peer) => peer.site === site && peer.container === container);
  const edges = table.edges.filter((edge) => edge.site === site && edge.container === container);
  if (!self || edges.length === 0) return undefined;
  return {
    container,
    self: self.number,
    network: table.network,
    mtu: table.mtu,
    gateway: gatewayOf(table.network),
    server: addressAt(parseRange(table.network), 1),
    port: self.port,
    edges: edges.map(({ vm, bridge, mac, address }) => ({ vm, bridge, mac, address })),
    relays: relaysOf(table).map(({ port, ...relay }) => ({
      number: relay.number,
      endpoint: {
        address: relay.site === site ? relay.lanAddress : relay.publicAddress,
        port,
      },
    })),
    peers: peersOf(table)
      .filter((peer) => peer !== self)
      .map((peer) => orderOfPeer(peer, site)),
    ...(table.outside ? { outside: table.outside } : {}),
  };
}

/** What the site's physical frontend hands on to its VM containers. */
export function forwardsFor(table: OverlayTable, site: string): Forward[] {
  const here = peersOf(table).filter((peer) => peer.site === site && peer.inbound);
  return here
    .filter(({ lanAddress, publicAddress }) => lanAddress !== publicAddress)
    .flatMap(({ lanAddress: to, port, relayPort }): Forward[] => [
      { protocol: 'udp', port, to },
      ...(relayPort === undefined
        ? []
        : ([
            { protocol: 'udp', port: relayPort, to },
            { protocol: 'tcp', port: relayPort, to },
          ] as const)),
    ]);
}

/** In the order of their numbers, so that all containers number the relays' devices alike. */
function relaysOf(table: OverlayTable): (Omit<Peer, 'port'> & { port: number })[] {
  return peersOf(table)
    .flatMap((peer) => (peer.relayPort === undefined ? [] : [{ ...peer, port: peer.relayPort }]))
    .toSorted((a, b) => a.number - b.number);
}

function orderOfPeer(peer: Peer, site: string): RoutedOrder['peers'][number] {
  const { number, publicKey, vms, port } = peer;
  return {
    number,
    name: `${peer.site}/${peer.container}`,
    publicKey,
    addresses: vms.map(({ address }) => address),
    ...(peer.site === site ? { lanEndpoint: { address: peer.lanAddress, port } } : {}),
    ...(peer.inbound ? { publicEndpoint: { address: peer.publicAddress, port } } : {}),
  };
}

function peersOf({ peers }: OverlayTable): Peer[] {
  if (peers) return peers;
  throw new Failure('BadInput', 'the table of a routed overlay has no peers');
}
