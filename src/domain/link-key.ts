import { z } from 'zod';

/** A WireGuard public key: base64 of 32 bytes. */
export const publicKeySchema = z
  .string()
  .regex(/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'must be a WireGuard public key');
