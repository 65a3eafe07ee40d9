import { currentRandom } from './seeded.ts';

/** Stands for `node:crypto` in the product's code: what is random there comes from the seed. */
export { createHash, createHmac } from 'node:crypto';

export function randomBytes(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => currentRandom().int(0, 255)));
}

export function randomUUID(): string {
  const hex = randomBytes(16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
