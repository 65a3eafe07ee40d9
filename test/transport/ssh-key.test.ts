import ssh2 from 'ssh2';
import { expect, it } from 'vitest';
import { generateSshKey } from '../../src/transport/ssh-key.ts';

it('every key pair that is made can be read back', () => {
  const unreadable = Array.from({ length: 1500 }, () => generateSshKey('test')).filter(
    ({ privateKey }) => ssh2.utils.parseKey(privateKey) instanceof Error,
  );
  expect(unreadable).toEqual([]);
});
