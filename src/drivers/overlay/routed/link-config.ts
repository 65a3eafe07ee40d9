import { vxlanInLink } from '../../../domain/plan-vxlan.ts';
import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import { directDevice, linkAddress, prefix6, relayDevice } from './names.ts';

/** Seconds. Shorter than the time after which most NATs forget a flow, and than 10 s to mend a new address. */
export const keepaliveSeconds = 5;

/** A WireGuard device of a container. */
export interface Link {
  device: string;
  /** Its own address, for what the containers say to each other. */
  address: string;
  privateKey: string;
  port?: number | undefined;
  peers: LinkPeer[];
  /** For `wg setconf`; holds the private key. */
  config: string;
}

export interface LinkPeer {
  number: number;
  publicKey: string;
  preshared: string;
  /** What comes from it, as ranges. */
  allowed: string[];
  /** Of a relay, to which the first word must go. */
  endpoint?: { address: string; port: number } | undefined;
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
  const direct = linkOf(clusterId, order, secrets, {
    index: 0,
    device: directDevice(clusterId),
    port: order.port,
    peers: order.peers.map((peer) => peerOf(clusterId, 0, peer, secrets)),
  });
  return [direct, ...order.relays.map((_, index) => relayLink(clusterId, order, index, secrets))];
}

function relayLink(
  clusterId: string,
  order: RoutedOrder,
  index: number,
  secrets: LinkSecrets,
): Link {
  const link = index + 1;
  const relay = order.relays[index];
  const isRelay = relay?.number === order.self;
  // From the relay comes what the other containers say too.
  const others = [
    ...order.peers.flatMap(({ addresses }) => addresses.map(host)),
    `${prefix6(clusterId)}:${link}::/64`,
  ];
  const spoke = order.peers
    .filter((peer) => peer.number === relay?.number)
    .map((peer) => ({
      ...peerOf(clusterId, link, peer, secrets),
      allowed: others,
      endpoint: relay?.endpoint,
    }));
  return linkOf(clusterId, order, secrets, {
    index: link,
    device: relayDevice(clusterId, index),
    port: isRelay ? relay.endpoint.port : undefined,
    peers: isRelay ? order.peers.map((peer) => peerOf(clusterId, link, peer, secrets)) : spoke,
  });
}

function linkOf(
  clusterId: string,
  order: RoutedOrder,
  { privateKey }: LinkSecrets,
  { index, device, port, peers }: Pick<Link, 'device' | 'port' | 'peers'> & { index: number },
): Link {
  const config = [
    '[Interface]',
    `PrivateKey = ${privateKey}`,
    ...(port === undefined ? [] : [`ListenPort = ${port}`]),
    '',
    ...peers.flatMap(renderPeer),
  ];
  const address = linkAddress(clusterId, index, order.self);
  return { device, address, privateKey, port, peers, config: config.join('\n') };
}

function peerOf(
  clusterId: string,
  link: number,
  { number, publicKey, addresses }: RoutedOrder['peers'][number],
  { preshared }: LinkSecrets,
): LinkPeer {
  const speech = `${linkAddress(clusterId, link, number)}/128`;
  return {
    number,
    publicKey,
    preshared: preshared.get(number) ?? '',
    allowed: [...addresses.map(host), speech],
  };
}

function host(address: string): string {
  return `${address}/32`;
}

function renderPeer({ publicKey, preshared, allowed, endpoint }: LinkPeer): string[] {
  return [
    '[Peer]',
    `PublicKey = ${publicKey}`,
    `PresharedKey = ${preshared}`,
    `AllowedIPs = ${allowed.join(', ')}`,
    ...(endpoint
      ? [
          `Endpoint = ${endpoint.address}:${endpoint.port}`,
          `PersistentKeepalive = ${keepaliveSeconds}`,
        ]
      : []),
    '',
  ];
}
