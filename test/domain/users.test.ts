import { describe, expect, it } from 'vitest';
import { isMeasured, type Topology } from '../../src/domain/topology.ts';
import { publicKeySchema, userNameSchema, usersRequestSchema } from '../../src/domain/users.ts';

describe('a user name', () => {
  it.each(['alice', '_svc', 'a-b_1'])('%s is one', (name) => {
    expect(userNameSchema.parse(name)).toBe(name);
  });

  it.each(['', '-a', '1a', 'Alice', 'a b', 'a:b', 'a/b', '../a', 'a\nb', 'a$', 'x'.repeat(33)])(
    '%j is none',
    (name) => {
      expect(userNameSchema.safeParse(name).success).toBe(false);
    },
  );
});

describe('a public key', () => {
  it.each([
    'ssh-ed25519 AAAAC3Nz',
    'sk-ssh-ed25519@openssh.com AAAA alice@here',
    'ecdsa-sha2-nistp256 AAAA= with words',
  ])('%s is one', (key) => {
    expect(publicKeySchema.parse(key)).toBe(key);
  });

  it.each([
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    'ssh-ed25519 AAAA\nssh-rsa BBBB',
    'command="x" ssh-ed25519 AAAA',
  ])('%j is none', (key) => {
    expect(publicKeySchema.safeParse(key).success).toBe(false);
  });
});

it('a user cannot be added without a key', () => {
  const change = { kind: 'add', user: 'alice', keys: [] };
  expect(usersRequestSchema.safeParse({ name: 'demo', change }).success).toBe(false);
});

it('a topology is measured once each pair of sites is, in both directions', () => {
  const measured = (...pairs: string[]) =>
    ({
      bandwidth: {
        sites: pairs.map((pair) => {
          const [from = '', to = ''] = pair.split(' ');
          return { from, to, mbitPerSecond: 1 };
        }),
      },
    }) as Topology;
  expect(isMeasured(measured('a b', 'b a'), ['a', 'b', 'a'])).toBe(true);
  expect(isMeasured(measured('a b'), ['a', 'b'])).toBe(false);
  expect(isMeasured(measured('a b', 'b a'), ['a', 'b', 'c'])).toBe(false);
  expect(isMeasured(measured(), ['a'])).toBe(true);
});
