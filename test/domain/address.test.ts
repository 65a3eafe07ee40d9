import { describe, expect, it } from 'vitest';
import {
  addressAt,
  contains,
  firstFreeRange,
  formatRange,
  macFor,
  overlaps,
  parseRange,
  prefixFor,
} from '../../src/domain/address.ts';
import { macSchema } from '../../src/domain/names.ts';

describe('address ranges', () => {
  it('are read and written alike', () => {
    expect(formatRange(parseRange('10.77.1.0/24'))).toBe('10.77.1.0/24');
  });

  it.each(['10.77.1.0', '10.77.1.256/24', '10.77.1.0/33', 'ten/8'])('refuse %s', (text) => {
    expect(() => parseRange(text)).toThrow('is not an IPv4 range');
  });

  it('refuse host bits and say where the range begins', () => {
    expect(() => parseRange('10.77.1.7/24')).toThrow('begins at 10.77.1.0');
  });

  it('overlap when one holds the other, and not when they only touch', () => {
    expect(overlaps(parseRange('10.0.0.0/8'), parseRange('10.77.1.0/24'))).toBe(true);
    expect(overlaps(parseRange('10.77.1.0/24'), parseRange('10.77.2.0/24'))).toBe(false);
  });

  it('contain those that are wholly in them, and themselves', () => {
    const range = parseRange('10.77.0.0/16');
    expect(contains(range, parseRange('10.77.1.0/24'))).toBe(true);
    expect(contains(range, range)).toBe(true);
    expect(contains(range, parseRange('10.0.0.0/8'))).toBe(false);
    expect(contains(parseRange('0.0.0.0/0'), parseRange('255.255.255.255/32'))).toBe(true);
  });

  it('give the next free one, around those in use', () => {
    const used = [parseRange('10.77.1.0/24'), parseRange('10.77.2.0/23')];
    expect(formatRange(firstFreeRange(used, 24))).toBe('10.77.4.0/24');
  });

  it('are exhausted at the end of the pool, with a sentence', () => {
    expect(() => firstFreeRange([parseRange('10.77.0.0/16')], 24)).toThrow('no free range of /24');
  });

  it('grow with the number of hosts', () => {
    expect(prefixFor(9)).toBe(24);
    expect(prefixFor(1001)).toBe(21);
  });

  it('number their addresses from the network address on', () => {
    expect(addressAt(parseRange('10.77.1.0/24'), 1)).toBe('10.77.1.1');
    expect(addressAt(parseRange('10.77.0.0/22'), 258)).toBe('10.77.1.2');
  });
});

describe('derived MAC addresses', () => {
  it('are valid, the same at each attempt, and differ by cluster and number', () => {
    const mac = macFor('a1b2c3d4e5f6', 258);
    expect(mac).toBe('02:a1:b2:c3:01:02');
    expect(macSchema.parse(mac)).toBe(mac);
    expect(macFor('a1b2c3d4e5f6', 259)).not.toBe(mac);
    expect(macFor('b1b2c3d4e5f6', 258)).not.toBe(mac);
  });
});
