import { describe, expect, test } from 'vitest';
import { nodeToken, tokenDigest } from '../../src/rolls/node-token.ts';
import { clusterOf } from './cluster-of.ts';

const { secrets } = clusterOf(0);
const { tokenKey: _tokenKey, ...withoutKey } = secrets;
const tokenOf = (letter: string) => letter.repeat(43);
const older = {
  ...withoutKey,
  nodeTokens: { frontend: tokenOf('f'), 'compute-a-0': tokenOf('a') },
};

describe("a node's token", () => {
  test('is another one for each VM and each cluster, and the same each time', () => {
    const tokens = ['compute-a-0', 'compute-a-1'].map((name) => nodeToken(secrets, name));
    const elsewhere = nodeToken({ ...secrets, tokenKey: tokenOf('x') }, 'compute-a-0');
    expect(new Set([...tokens, elsewhere]).size).toBe(3);
    expect(nodeToken(structuredClone(secrets), 'compute-a-0')).toBe(tokens[0]);
    expect(tokens[0]).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  test('stays the recorded one where secrets were made before there was a key', () => {
    expect(nodeToken(older, 'compute-a-0')).toBe(tokenOf('a'));
  });

  test('is derived there too for a VM that came later, and not from what computes know', () => {
    const later = nodeToken(older, 'compute-a-1');
    expect(later).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(nodeToken({ ...older, mungeKey: 'another' }, 'compute-a-1')).toBe(later);
    const nodeTokens = { ...older.nodeTokens, frontend: tokenOf('g') };
    expect(nodeToken({ ...older, nodeTokens }, 'compute-a-1')).not.toBe(later);
  });

  test('is refused where there is nothing to derive it from', () => {
    expect(() => nodeToken(withoutKey, 'compute-a-0')).toThrow(
      expect.objectContaining({ kind: 'BadInput' }),
    );
  });

  test('is known to a frontend by its digest', () => {
    expect(tokenDigest('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});
