import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import { directDevice, linkAddress, prefix6, relayDevice } from './names.ts';

/** Seconds. Shorter than the time after which most NATs forget a flow, and than 10 s to mend a new address. */
const keepaliveSeconds = 5;

/** A WireGuard device of a container. */
export interface Link {
  device: string;
  /** Its own address, for what the containers say to each other. */
  address: string;
  /** Any free one if absent. */
  listenPort?: number;
  peers: LinkPeer[];
}

export interface LinkPeer {
  number: number;
  publicKey: string;
  presharedKey: string;
  /** From where its packets may come, and what is sent to it: CIDR. */
  allowedIps: string[];
  /** `<address>:<port>`; of a relay only: the others' are found while the link runs. */
  endpoint?: string;
}

type OrderedPeer = RoutedOrder['peers'][number];

/**
 * The container's devices: one for direct links with all the others, whose endpoints are found while it
 * runs, and one per relay. Two, so that a VM's packets are taken from both ways, and changing the way
 * is one route: WireGuard takes packets of an address from one peer of a device only.
 *
 * @param preshared number of a peer → key shared with it.
 */
export function planLinks(
  clusterId: string,
  order: RoutedOrder,
  preshared: Map<number, string>,
): Link[] {
  const linkTo = (link: number, peer: OrderedPeer, addresses: string[]): LinkPeer => ({
    number: peer.number,
    publicKey: peer.publicKey,
    presharedKey: preshared.get(peer.number) ?? '',
    allowedIps: [
      ...addresses.map((each) => `${each}/32`),
      `${linkAddress(clusterId, link, peer.number)}/128`,
    ],
  });
  const direct = {
    device: directDevice(clusterId),
    address: linkAddress(clusterId, 0, order.self),
    listenPort: order.port,
    peers: order.peers.map((peer) => linkTo(0, peer, peer.addresses)),
  };
  const relayed = order.relays.map((relay, index): Link => {
    const link = index + 1;
    const device = relayDevice(clusterId, index);
    const address = linkAddress(clusterId, link, order.self);
    if (relay.number === order.self) {
      const peers = order.peers.map((peer) => linkTo(link, peer, peer.addresses));
      return { device, address, listenPort: relay.endpoint.port, peers };
    }
    const all = [
      ...order.peers.flatMap(({ addresses }) => addresses.map((each) => `${each}/32`)),
      // What the other containers say comes this way too.
      `${prefix6(clusterId)}:${link}::/64`,
    ];
    const endpoint = `${relay.endpoint.address}:${relay.endpoint.port}`;
    const peers = order.peers
      .filter(({ number }) => number === relay.number)
      .map((peer) => ({ ...linkTo(link, peer, []), allowedIps: all, endpoint }));
    return { device, address, peers };
  });
  return [direct, ...relayed];
}

/** What `wg setconf` makes of a new device. Holds the private key. */
export function renderLink(link: Link, privateKey: string): string {
  return [
    '[Interface]',
    `PrivateKey = ${privateKey}`,
    ...(link.listenPort === undefined ? [] : [`ListenPort = ${link.listenPort}`]),
    '',
    ...link.peers.flatMap((peer) => [
      '[Peer]',
      `PublicKey = ${peer.publicKey}`,
      `PresharedKey = ${peer.presharedKey}`,
      `AllowedIPs = ${peer.allowedIps.join(', ')}`,
      ...(peer.endpoint === undefined
        ? []
        : [`Endpoint = ${peer.endpoint}`, `PersistentKeepalive = ${keepaliveSeconds}`]),
      '',
    ]),
  ].join('\n');
}

/**
 * Words for `wg set <device>` that make the peers of a device that runs those of the link. Nothing else is
 * touched: setting a port, even the same, opens the socket anew (so does `wg syncconf`), and packets on
 * their way to the old one are lost.
 *
 * @param dump what `wg show <device> dump` says.
 * @param keyFile path of the file that holds the key shared with a peer.
 */
export function linkChanges(
  link: Link,
  dump: string,
  keyFile: (number: number) => string,
): string[] {
  const seen = new Map(parsePeers(dump).map((peer) => [peer.publicKey, peer]));
  const wanted = new Set(link.peers.map(({ publicKey }) => publicKey));
  const gone = [...seen.keys()].filter((key) => !wanted.has(key));
  return [
    ...gone.flatMap((key) => ['peer', key, 'remove']),
    ...link.peers.flatMap((peer) => peerChanges(peer, seen.get(peer.publicKey), keyFile)),
  ];
}

interface SeenPeer {
  publicKey: string;
  presharedKey: string;
  endpoint: string;
  allowedIps: string[];
}

function parsePeers(dump: string): SeenPeer[] {
  // The first line is the device's own.
  return dump
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [publicKey, presharedKey = '', endpoint = '', allowed = ''] = line.split('\t');
      return publicKey
        ? [{ publicKey, presharedKey, endpoint, allowedIps: allowed.split(',') }]
        : [];
    });
}

function peerChanges(
  peer: LinkPeer,
  seen: SeenPeer | undefined,
  keyFile: (number: number) => string,
): string[] {
  const words = [
    ...(seen?.presharedKey === peer.presharedKey ? [] : ['preshared-key', keyFile(peer.number)]),
    ...(seen && sameAddresses(seen.allowedIps, peer.allowedIps)
      ? []
      : ['allowed-ips', peer.allowedIps.join(',')]),
    ...(peer.endpoint === undefined || isAt(seen, peer.endpoint)
      ? []
      : ['endpoint', peer.endpoint, 'persistent-keepalive', String(keepaliveSeconds)]),
  ];
  return words.length > 0 ? ['peer', peer.publicKey, ...words] : [];
}

/** Where UDP is blocked the keeper of paths has led it through itself. */
function isAt(seen: SeenPeer | undefined, endpoint: string): boolean {
  return seen !== undefined && (seen.endpoint === endpoint || seen.endpoint.startsWith('127.'));
}

function sameAddresses(a: string[], b: string[]): boolean {
  const normal = (list: string[]) => list.map(normalRange).toSorted().join(' ');
  return normal(a) === normal(b);
}

/** IPv6 as programs write it. */
function normalRange(range: string): string {
  const [address = '', prefix = ''] = range.split('/');
  if (!address.includes(':')) return range;
  return `${new URL(`http://[${address}]/`).hostname.slice(1, -1)}/${prefix}`;
}
