import { vxlanInLink } from '../../../domain/plan-vxlan.ts';
import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import { directDevice, linkAddress, prefix6, relayDevice } from './names.ts';

/** Seconds. Shorter than the time after which most NATs forget a flow, and than 10 s to mend a new address. */
const keepaliveSeconds = 5;

/** A WireGuard device of a container. */
export interface Link {
  device: string;
  /** Its own address, for what the containers say to each other. */
  address: string;
  /** For `wg setconf` and `wg syncconf`; holds the private key. */
  config: string;
}

/** Frames of layer 2 need room for their headers. */
export function linkMtuOf({ mtu, layer2 }: RoutedOrder): number {
  return layer2 ? mtu + vxlanInLink : mtu;
}

/** What a link needs to know besides the order. */
export interface LinkSecrets {
  privateKey: string;
  /** Number of a peer → key shared with it. */
  preshared: Map<number, string>;
}

/**
 * The container's devices: one for direct links with all the others, whose endpoints are found while it
 * runs, and one per relay. Two, so that a VM's packets are taken from both ways, and changing the way
 * is one route: WireGuard takes packets of an address from one peer of a device only.
 */
export function renderLinks(clusterId: string, order: RoutedOrder, secrets: LinkSecrets): Link[] {
  const direct = {
    device: directDevice(clusterId),
    address: linkAddress(clusterId, 0, order.self),
    config: [
      ...renderInterface(secrets.privateKey, order.port),
      ...order.peers.flatMap((peer) =>
        renderPeer(clusterId, 0, peer, secrets, { addresses: peer.addresses }),
      ),
    ].join('\n'),
  };
  return [direct, ...order.relays.map((_, index) => renderRelay(clusterId, order, index, secrets))];
}

function renderRelay(
  clusterId: string,
  order: RoutedOrder,
  index: number,
  secrets: LinkSecrets,
): Link {
  const link = index + 1;
  const relay = order.relays[index];
  const isRelay = relay?.number === order.self;
  const others = order.peers.flatMap(({ addresses }) => addresses);
  const peers = isRelay
    ? order.peers.flatMap((peer) =>
        renderPeer(clusterId, link, peer, secrets, { addresses: peer.addresses }),
      )
    : order.peers
        .filter((peer) => peer.number === relay?.number)
        .flatMap((peer) =>
          renderPeer(clusterId, link, peer, secrets, {
            addresses: others,
            all: true,
            endpoint: relay?.endpoint,
          }),
        );
  return {
    device: relayDevice(clusterId, index),
    address: linkAddress(clusterId, link, order.self),
    config: [
      ...renderInterface(secrets.privateKey, isRelay ? relay.endpoint.port : undefined),
      ...peers,
    ].join('\n'),
  };
}

function renderInterface(privateKey: string, port: number | undefined): string[] {
  return [
    '[Interface]',
    `PrivateKey = ${privateKey}`,
    ...(port === undefined ? [] : [`ListenPort = ${port}`]),
    '',
  ];
}

function renderPeer(
  clusterId: string,
  link: number,
  peer: RoutedOrder['peers'][number],
  { preshared }: LinkSecrets,
  way: {
    addresses: string[];
    /** What the other containers say comes this way too. */
    all?: boolean;
    endpoint?: { address: string; port: number } | undefined;
  },
): string[] {
  const speech = way.all
    ? `${prefix6(clusterId)}:${link}::/64`
    : `${linkAddress(clusterId, link, peer.number)}/128`;
  return [
    '[Peer]',
    `PublicKey = ${peer.publicKey}`,
    `PresharedKey = ${preshared.get(peer.number) ?? ''}`,
    `AllowedIPs = ${[...way.addresses.map((each) => `${each}/32`), speech].join(', ')}`,
    ...(way.endpoint
      ? [
          `Endpoint = ${way.endpoint.address}:${way.endpoint.port}`,
          `PersistentKeepalive = ${keepaliveSeconds}`,
        ]
      : []),
    '',
  ];
}
