import { Failure } from '../../../../domain/failure.ts';
import type { Shell } from '../../../../transport/shell.ts';
import { newPeer, parseEndpoint, type WgChange } from './uapi.ts';
import type { WgDump } from './wg-peer.ts';

const toolMs = 3000;

/** What `wg show <device> dump` prints: the device's line, then one per peer. */
export function parseWgDump(text: string): WgDump {
  const [first = '', ...lines] = text.trimEnd().split('\n');
  return {
    listenPort: Number(first.split('\t')[2] ?? 0),
    peers: lines.map((line) => {
      const [key = '', , at = '', allowed = '', handshake, received, sent] = line.split('\t');
      const endpoint = parseEndpoint(at);
      return {
        ...newPeer(key),
        ...(endpoint ? { endpoint } : {}),
        allowed: allowed === '(none)' ? [] : allowed.split(','),
        handshakeAt: Number(handshake) * 1000,
        receivedBytes: Number(received),
        sentBytes: Number(sent),
      };
    }),
  };
}

/** @param pskFile of the peer, if it has a preshared key. */
export function renderWgSet(
  device: string,
  change: WgChange,
  pskFile: string | undefined,
): [string, ...string[]] {
  const { publicKey, renew, endpoint } = change;
  return [
    'wg',
    'set',
    device,
    ...(renew ? ['peer', publicKey, 'remove'] : []),
    'peer',
    publicKey,
    ...(renew && pskFile !== undefined ? ['preshared-key', pskFile] : []),
    ...(endpoint ? ['endpoint', `${endpoint.address}:${endpoint.port}`] : []),
    'persistent-keepalive',
    String(change.keepaliveSeconds),
    ...(renew ? ['allowed-ips', renew.allowed.join(',')] : []),
  ];
}

export async function runWg(shell: Shell, argv: readonly [string, ...string[]]): Promise<string> {
  const { exitCode, stdout, stderr } = await shell.run(argv, { timeoutMs: toolMs });
  if (exitCode === 0) return stdout;
  throw new Failure('CommandFailed', `${argv.slice(0, 3).join(' ')}: ${stderr.trim()}`);
}
