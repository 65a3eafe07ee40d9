import { Failure } from './failure.ts';

/** An IPv4 range: its first address as a number, and its prefix length. */
export interface Range {
  base: number;
  prefix: number;
}

/** Of which clusters get their ranges unless the spec names one. */
export const defaultPool: Range = { base: toNumber('10.77.0.0'), prefix: 16 };

export function toNumber(address: string): number {
  return address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}

export function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** @throws {Failure} BadInput unless it is a range whose host bits are zero. */
export function parseRange(cidr: string): Range {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(cidr);
  const octets = match?.[1]?.split('.').map(Number) ?? [];
  const prefix = Number(match?.[2]);
  if (!match || octets.some((octet) => octet > 255) || prefix > 32) {
    throw new Failure('BadInput', `${cidr} is not an IPv4 range like 10.77.1.0/24`);
  }
  const base = toNumber(match[1] ?? '');
  if (base % sizeOf({ base, prefix }) !== 0) {
    throw new Failure(
      'BadInput',
      `${cidr} has host bits set; its range begins at ${firstAddressOf(cidr)}`,
    );
  }
  return { base, prefix };
}

/** Of the range that an address with a prefix length is in. */
export function firstAddressOf(cidr: string): string {
  const [address = '', prefix] = cidr.split('/');
  const base = toNumber(address);
  return toAddress(base - (base % sizeOf({ base, prefix: Number(prefix) })));
}

export function formatRange(range: Range): string {
  return `${toAddress(range.base)}/${range.prefix}`;
}

export function sizeOf(range: Range): number {
  return 2 ** (32 - range.prefix);
}

export function overlaps(a: Range, b: Range): boolean {
  return a.base < b.base + sizeOf(b) && b.base < a.base + sizeOf(a);
}

/** Whether all of the second range is in the first. */
export function contains(outer: Range, inner: Range): boolean {
  return outer.prefix <= inner.prefix && overlaps(outer, inner);
}

/** The nth address of a range; 0 is the network's own. */
export function addressAt(range: Range, index: number): string {
  return toAddress(range.base + index);
}

/** The range's prefix length that holds this many hosts with some room to grow, /24 at least. */
export function prefixFor(hosts: number): number {
  let prefix = 24;
  while (2 ** (32 - prefix) - 3 < hosts + hosts / 4) prefix -= 1;
  return prefix;
}

/** @throws {Failure} NoCapacity when every range of the pool is taken. */
export function firstFreeRange(used: Range[], prefix: number, pool = defaultPool): Range {
  const step = 2 ** (32 - prefix);
  // The pool's first range is left out: 10.77.0.0/24 looks like a mistake in logs and tables.
  for (let base = pool.base + step; base < pool.base + sizeOf(pool); base += step) {
    const candidate = { base, prefix };
    if (!used.some((range) => overlaps(range, candidate))) return candidate;
  }
  throw new Failure('NoCapacity', `no free range of /${prefix} is left in ${formatRange(pool)}`, {
    help: 'destroy a cluster, or name a `network` of your own in the spec',
  });
}

/** How many MACs an interface can have, one after the other. */
export const macCandidates = 8;

/**
 * A locally administered MAC address from the cluster's random id and the interface's number in the
 * cluster (below 65,536), so that it is known before any site is asked and the same at each attempt.
 *
 * @param candidate which of the interface's MACs: another than the first (0) if somebody has that.
 */
export function macFor(clusterId: string, index: number, candidate = 0): string {
  // The last two bits of the first octet are 10: locally administered, of one interface.
  const first = (2 + 4 * candidate).toString(16).padStart(2, '0');
  const suffix = index.toString(16).padStart(4, '0');
  return [first, ...pairs(clusterId.slice(0, 6)), ...pairs(suffix)].join(':');
}

/** The number of an interface in its cluster, whichever of its MACs this is. */
export function indexOfMac(mac: string): number {
  return Number.parseInt(mac.slice(-5).replace(':', ''), 16);
}

function pairs(hex: string): string[] {
  return hex.match(/../g) ?? [];
}
