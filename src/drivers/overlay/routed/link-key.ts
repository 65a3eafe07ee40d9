import { createPrivateKey, createPublicKey, generateKeyPairSync, hkdfSync } from 'node:crypto';
import { link, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../../../transport/durable-file.ts';

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
  const file = linkKeyFile(pool);
  const secret = (await readText(file)) ?? (await makeKey(file));
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

async function makeKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('x25519');
  const secret = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32);
  // Two first questions may come at once: whoever links first has made the key.
  const candidate = `${file}.${process.pid}`;
  await writeDurably(candidate, secret.toString('base64'));
  try {
    await link(candidate, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(candidate, { force: true });
  }
  return readFile(file, 'utf8');
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
