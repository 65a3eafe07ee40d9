import type { Endpoint } from './config.ts';
import type { WgDump, WgPeer } from './wg-peer.ts';

/** A change to one peer of a device. */
export interface WgChange {
  publicKey: string;
  /** Takes it out and puts it back, with these addresses: what it had of sessions and endpoint is gone. */
  renew?: { allowed: string[]; presharedKey?: string | undefined };
  endpoint?: Endpoint;
  keepaliveSeconds: number;
}

/** What userspace WireGuard answers to `get=1`. */
export function parseUapi(text: string): WgDump {
  const dump: WgDump = { listenPort: 0, peers: [] };
  let peer: WgPeer | undefined;
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    const [key, value] = [line.slice(0, at), line.slice(at + 1)];
    if (key === 'listen_port') dump.listenPort = Number(value);
    else if (key === 'public_key') {
      peer = newPeer(Buffer.from(value, 'hex').toString('base64'));
      dump.peers.push(peer);
    } else if (peer) readField(peer, key, value);
  }
  return dump;
}

export function newPeer(publicKey: string): WgPeer {
  return { publicKey, handshakeAt: 0, sentBytes: 0, receivedBytes: 0, allowed: [] };
}

function readField(peer: WgPeer, key: string, value: string): void {
  switch (key) {
    case 'endpoint': {
      const endpoint = parseEndpoint(value);
      if (endpoint) peer.endpoint = endpoint;
      break;
    }
    case 'preshared_key':
      if (!/^0+$/.test(value)) peer.presharedKey = value;
      break;
    case 'last_handshake_time_sec':
      peer.handshakeAt += Number(value) * 1000;
      break;
    case 'last_handshake_time_nsec':
      peer.handshakeAt += Number(value) / 1e6;
      break;
    case 'tx_bytes':
      peer.sentBytes = Number(value);
      break;
    case 'rx_bytes':
      peer.receivedBytes = Number(value);
      break;
    case 'allowed_ip':
      peer.allowed.push(value);
      break;
    default:
  }
}

/** IPv4 alone; WireGuard may show one as mapped into IPv6. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[::ffff:)?(\d+\.\d+\.\d+\.\d+)\]?:(\d+)$/.exec(text);
  return match?.[1] === undefined ? undefined : { address: match[1], port: Number(match[2]) };
}

/** The lines of `set=1`. */
export function renderUapi(change: WgChange): string {
  const key = Buffer.from(change.publicKey, 'base64').toString('hex');
  const { renew, endpoint } = change;
  return [
    'set=1',
    ...(renew ? [`public_key=${key}`, 'remove=true'] : []),
    `public_key=${key}`,
    // An endpoint for a peer that is no longer there must not bring it back without its addresses.
    ...(renew ? [] : ['update_only=true']),
    ...(renew?.presharedKey ? [`preshared_key=${renew.presharedKey}`] : []),
    ...(endpoint ? [`endpoint=${endpoint.address}:${endpoint.port}`] : []),
    `persistent_keepalive_interval=${change.keepaliveSeconds}`,
    ...(renew ? ['replace_allowed_ips=true'] : []),
    ...(renew?.allowed ?? []).map((address) => `allowed_ip=${address}`),
    '\n',
  ].join('\n');
}
