import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { nodeToken } from '../../src/rolls/node-token.ts';
import { renderNodesUpdate } from '../../src/rolls/nodes-update.ts';
import { renderFrontendSeed } from '../../src/rolls/seed.ts';
import { clusterOf, listOf, readIn } from './cluster-of.ts';

const { context, secrets } = clusterOf(2);
const update = renderNodesUpdate(context, secrets);

describe('an update of the nodes', () => {
  test('is the same for the same input', () => {
    expect(renderNodesUpdate(structuredClone(context), structuredClone(secrets))).toEqual(update);
  });

  test('says all of each compute that the seed says, in the same words', () => {
    const seed = renderFrontendSeed(context, secrets);
    const files = listOf(update).filter((path) => !path.endsWith('/'));
    expect(files).toHaveLength(4 + 3 * 2);
    for (const path of files) expect(readIn(update, path)).toBe(readIn(seed, path));
    const rest = listOf(seed).filter((path) => !listOf(update).includes(path));
    expect(rest.filter((path) => /compute|nodes|tokens|macs/.test(path))).toEqual([
      'var/lib/mvc/nodes/common.tar',
    ]);
  });

  test('holds no secret', () => {
    const plain = gunzipSync(update);
    const keys = [secrets.hostKeys.frontend, secrets.hostKeys.compute, secrets.userKey];
    const texts = [
      secrets.mungeKey,
      secrets.tokenKey ?? '',
      ...keys.flatMap(({ privateKey }) => [privateKey, privateKey.split('\n')[1] ?? '']),
      ...context.vms.map(({ name }) => nodeToken(secrets, name)),
    ];
    const raw = [Buffer.from(secrets.mungeKey, 'base64')];
    for (const secret of [...texts.map((text) => Buffer.from(text)), ...raw]) {
      expect(secret.length).toBeGreaterThan(0);
      expect(plain.includes(secret)).toBe(false);
    }
    expect(plain.includes('PRIVATE KEY')).toBe(false);
  });

  test('stays below 40 KiB for 64 computes', () => {
    const large = clusterOf(64);
    expect(renderNodesUpdate(large.context, large.secrets).length).toBeLessThan(40 * 1024);
  });
});
