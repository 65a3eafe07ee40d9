import { normalAddress } from './paths/addresses.ts';
import { keepaliveSeconds, type Link, type LinkPeer } from './link-config.ts';

/**
 * What `wg set` must be told so that a link that runs becomes the one that is wanted. Not `wg syncconf`: it
 * sets the port of the device too, and with it opens its socket anew, which ends what the other end knows of
 * us behind a port that was not asked for; and it takes back keepalives and endpoints of the keeper of paths.
 *
 * @param dump as `wg show <device> dump` prints it.
 * @param files with the secrets: our private key, and what is shared with the peer of a number.
 */
export function linkChanges(
  link: Link,
  dump: string,
  files: { key: string; psk: (number: number) => string },
): string[] {
  const [device = '', ...lines] = dump.trimEnd().split('\n');
  const seen = new Map(lines.map(readPeer));
  const wanted = new Set(link.peers.map(({ publicKey }) => publicKey));
  const [privateKey, , port] = device.split('\t');
  return [
    ...(link.privateKey === privateKey ? [] : ['private-key', files.key]),
    ...(link.port === undefined || String(link.port) === port
      ? []
      : ['listen-port', String(link.port)]),
    ...[...seen.keys()].flatMap((key) => (wanted.has(key) ? [] : ['peer', key, 'remove'])),
    ...link.peers.flatMap((peer) => peerChanges(peer, seen.get(peer.publicKey), files.psk)),
  ];
}

interface Seen {
  preshared: string;
  allowed: string;
}

function readPeer(line: string): [string, Seen] {
  const [key = '', preshared = '', , allowed = ''] = line.split('\t');
  return [key, { preshared, allowed: canonical(allowed.split(',')) }];
}

function peerChanges(
  peer: LinkPeer,
  seen: Seen | undefined,
  pskFile: (number: number) => string,
): string[] {
  const { endpoint } = peer;
  const changes = [
    ...(seen?.preshared === peer.preshared ? [] : ['preshared-key', pskFile(peer.number)]),
    ...(seen?.allowed === canonical(peer.allowed) ? [] : ['allowed-ips', peer.allowed.join(',')]),
    // Later the keeper of paths alone decides of these.
    ...(seen || !endpoint
      ? []
      : [
          'endpoint',
          `${endpoint.address}:${endpoint.port}`,
          'persistent-keepalive',
          String(keepaliveSeconds),
        ]),
  ];
  return changes.length === 0 ? [] : ['peer', peer.publicKey, ...changes];
}

/** The same text for the same ranges, in whichever order and however their addresses are written. */
function canonical(ranges: string[]): string {
  const texts = ranges.map((range) => {
    const [address = '', length = ''] = range.split('/');
    if (!address.includes(':')) return range;
    return `${normalAddress(address)}/${length}`;
  });
  return texts.toSorted().join();
}
