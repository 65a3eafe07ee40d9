import { z } from 'zod';

/**
 * A secret sealed to one host's X25519 key: an ephemeral key, HKDF-SHA-256, AES-256-GCM. Safe in
 * workflow history, since only the host can open it. All fields base64.
 */
export const sealedSchema = z.strictObject({
  ephemeralKey: z.string().max(64),
  nonce: z.string().max(24),
  ciphertext: z.string().max(200_000),
});
export type Sealed = z.infer<typeof sealedSchema>;

/** What a VM's seed is sealed for: it opens for this VM of this cluster only. */
export function seedPurpose(clusterId: string, vm: string): string {
  return `seed:${clusterId}:${vm}`;
}

/** What the overlay's key of a cluster is sealed for, at both ends. */
export function overlayKeyPurpose(clusterId: string): string {
  return `overlay:${clusterId}`;
}
