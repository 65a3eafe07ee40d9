import { createPrivateKey, createPublicKey } from 'node:crypto';
import { join } from 'node:path';
import { Failure } from '../domain/failure.ts';
import type { Sealed } from '../domain/sealed.ts';
import { generateSealKeyPair, open } from '../secrets/sealed-box.ts';
import { ensureFile } from '../transport/durable-file.ts';

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
  const privateKey = () =>
    (key ??= ensureFile(file, () => generateSealKeyPair().privateKey).then(String));
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
