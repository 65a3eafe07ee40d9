import { describe, expect, test } from 'vitest';
import { normalized, toJson, withoutNul } from '../../src/store/json.ts';

describe('JSON for the database', () => {
  test('holds no NUL, however deep, and nothing else is changed', () => {
    const value = { a: ['x\0y', { b: 'ü "\\u0000" \n' }], c: 1.5, d: null };
    expect(toJson(value)).not.toMatch(/(?<!\\)\\u0000/);
    expect(JSON.parse(toJson(value))).toEqual({
      a: ['x\uFFFDy', { b: 'ü "\\u0000" \n' }],
      c: 1.5,
      d: null,
    });
    expect(withoutNul('a\0b\0')).toBe('a\uFFFDb\uFFFD');
  });

  test('has no keys without a value, so that what was read equals what was written', () => {
    expect(normalized({ name: 'frontend', diskGiB: undefined })).toStrictEqual({
      name: 'frontend',
    });
  });
});
