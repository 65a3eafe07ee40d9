import { describe, expect, test } from 'vitest';
import { nearest } from '../../src/cli/did-you-mean.ts';
import { editDistance } from '../../src/domain/did-you-mean.ts';

describe('names that were likely meant', () => {
  const names = ['alpine', 'beach', 'cloud', 'cloud2'];

  test.each([
    ['alpin', ['alpine']],
    ['alpnie', ['alpine']],
    ['claud', ['cloud']],
    ['cloud1', ['cloud', 'cloud2']],
    ['desert', []],
    ['b', []],
  ])('%s: %j', (word, expected) => {
    expect(nearest(word, names)).toEqual(expected);
  });

  test('are none for a name that there is', () => {
    expect(nearest('cloud', names)).toEqual([]);
  });

  test('are none if there are no names', () => {
    expect(nearest('cloud', [])).toEqual([]);
  });
});

test.each([
  ['', 'abc', 3],
  ['abc', 'abc', 0],
  ['abc', 'acb', 1],
  ['kitten', 'sitting', 3],
])('from %j to %j there are %i edits', (one, other, edits) => {
  expect(editDistance(one, other)).toBe(edits);
  expect(editDistance(other, one)).toBe(edits);
});
