import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import type { Sealed } from '../domain/sealed.ts';

const context = 'mvc sealed box 1';
const tagBytes = 16;
/** DER header of a raw X25519 public key (RFC 8410). */
const spkiPrefix = Buffer.from('302a300506032b656e032100', 'hex');

/** A host's sealing key: the private half never leaves the host. */
export interface SealKeyPair {
  /** Raw public key, base64. */
  publicKey: string;
  /** PKCS#8 PEM. */
  privateKey: string;
}

export function generateSealKeyPair(): SealKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return {
    publicKey: rawPublicKey(publicKey),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Seals bytes to a host. `purpose` must be the same when opening: a box cannot be used elsewhere. */
export function seal(plain: Uint8Array, recipient: string, purpose: string): Sealed {
  const ephemeral = generateKeyPairSync('x25519');
  const ephemeralKey = rawPublicKey(ephemeral.publicKey);
  const secret = diffieHellman({
    privateKey: ephemeral.privateKey,
    publicKey: publicKeyFromRaw(recipient),
  });
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', deriveKey(secret, ephemeralKey, recipient), nonce);
  cipher.setAAD(Buffer.from(purpose));
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return {
    ephemeralKey,
    nonce: nonce.toString('base64'),
    ciphertext: ciphertext.toString('base64'),
  };
}

/** @throws if the box was sealed to another key or for another purpose, or was altered. */
export function open(sealed: Sealed, privateKey: string, purpose: string): Buffer {
  const key = createPrivateKey(privateKey);
  const recipient = rawPublicKey(createPublicKey(key));
  const secret = diffieHellman({
    privateKey: key,
    publicKey: publicKeyFromRaw(sealed.ephemeralKey),
  });
  const bytes = Buffer.from(sealed.ciphertext, 'base64');
  const decipher = createDecipheriv(
    'aes-256-gcm',
    deriveKey(secret, sealed.ephemeralKey, recipient),
    Buffer.from(sealed.nonce, 'base64'),
  );
  decipher.setAAD(Buffer.from(purpose));
  decipher.setAuthTag(bytes.subarray(-tagBytes));
  return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()]);
}

function deriveKey(secret: Buffer, ephemeralKey: string, recipient: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, ephemeralKey + recipient, context, 32));
}

function rawPublicKey(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64');
}

function publicKeyFromRaw(raw: string): KeyObject {
  return createPublicKey({
    key: Buffer.concat([spkiPrefix, Buffer.from(raw, 'base64')]),
    type: 'spki',
    format: 'der',
  });
}
