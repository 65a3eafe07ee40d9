import { createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync } from 'node:crypto';
import { join } from 'node:path';
import { ensureFile } from '../../../transport/durable-file.ts';

/** DER of an X25519 private key but for its 32 bytes (RFC 8410). */
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex');

/** Where a host has the key of its links. */
export function linkKeyFile(pool: string): string {
  return join(pool, 'link.key');
}

/**
 * The key of a host's links, as WireGuard takes it: 32 bytes in base64. Made at the host at the first
 * question; it never leaves it.
 */
export async function ensureLinkKey(pool: string): Promise<{ private: string; public: string }> {
  const secret = String(await ensureFile(linkKeyFile(pool), newKey));
  const key = createPrivateKey({
    key: Buffer.concat([privatePrefix, Buffer.from(secret, 'base64')]),
    format: 'der',
    type: 'pkcs8',
  });
  const der = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return { private: secret, public: der.subarray(-32).toString('base64') };
}

/**
 * What two containers share besides their keys, of the cluster's own key: who lacks it is no peer. It is
 * read at a handshake only, so that the cluster's key can change while packets flow.
 */
export function presharedKey(key: string, a: string, b: string): string {
  const pair = [a, b].toSorted().join(' ');
  return Buffer.from(hkdfSync('sha256', key, '', `mvc link ${pair}`, 32)).toString('base64');
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('x25519');
  return privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32).toString('base64');
}
