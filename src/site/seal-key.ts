import { createPrivateKey, createPublicKey } from 'node:crypto';
import { link, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../domain/failure.ts';
import type { Sealed } from '../domain/sealed.ts';
import { generateSealKeyPair, open } from '../secrets/sealed-box.ts';
import { writeDurably } from '../transport/durable-file.ts';

/** The host's sealing key; its private half stays in the pool. */
export interface SealKey {
  /** Raw X25519 public key, base64. */
  publicKey(): Promise<string>;
  /** @throws {Failure} Forbidden if it was sealed to another host or for another purpose. */
  openSealed(sealed: Sealed, purpose: string): Promise<Buffer>;
}

export function createSealKey(pool: string): SealKey {
  const file = join(pool, 'seal.pem');
  let key: Promise<string> | undefined;
  const privateKey = () => (key ??= ensureKey(file));
  return {
    async publicKey() {
      const der = createPublicKey(createPrivateKey(await privateKey())).export({
        type: 'spki',
        format: 'der',
      });
      return der.subarray(-32).toString('base64');
    },
    async openSealed(sealed, purpose) {
      const pem = await privateKey();
      try {
        return open(sealed, pem, purpose);
      } catch (error) {
        throw new Failure('Forbidden', `what is sealed for ${purpose} cannot be opened here`, {
          cause: error,
          help: 'this host has a new sealing key: `mvc site update` reads it, then resume',
        });
      }
    },
  };
}

async function ensureKey(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // Two first questions may come at once: whoever links first has made the key.
  const candidate = `${file}.${process.pid}`;
  await writeDurably(candidate, generateSealKeyPair().privateKey);
  try {
    await link(candidate, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(candidate, { force: true });
  }
  return readFile(file, 'utf8');
}
