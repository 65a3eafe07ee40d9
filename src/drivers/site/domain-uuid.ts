import { createHash } from 'node:crypto';
import type { Mark } from '../../domain/mark.ts';

/** A VM's UUID at its site, derived so that a repeated attempt makes the same domain and no second one. */
export function domainUuid(mark: Mark, vm: string): string {
  const bytes = createHash('sha256')
    .update([mark.installation, mark.clusterId, vm].join('/'))
    .digest()
    .subarray(0, 16);
  // Variant of RFC 4122, version 8: derived by a method of one's own.
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
