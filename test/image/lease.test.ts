import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = readFileSync(join(import.meta.dirname, '../../src/image/files/dhcp'), 'utf8');
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mvc-lease-'));
  writeFileSync(join(root, 'ip'), `#!/bin/sh\necho "ip $*" >> ${root}/told\n`);
  chmodSync(join(root, 'ip'), 0o755);
});
afterEach(() => rmSync(root, { recursive: true }));

/** What a compute does with a lease. */
function bind(lease: Record<string, string>): string[] {
  // In a VM the file is at the root.
  const inside = script.replace('> /lease', `> ${root}/lease`);
  const env = {
    ip: '10.77.1.3',
    mask: '24',
    siaddr: '10.77.1.1',
    hostname: 'compute-a-0',
    ...lease,
  };
  spawnSync('sh', ['-c', inside, 'dhcp', 'bound'], {
    env: { ...env, PATH: `${root}:${process.env['PATH']}` },
  });
  expect(readFileSync(join(root, 'lease'), 'utf8')).toBe(
    'hostname=compute-a-0\nserver=10.77.1.1\n',
  );
  return readFileSync(join(root, 'told'), 'utf8').trim().split('\n');
}

test('a compute that is given no router has no way out of the overlay', () => {
  expect(bind({ mtu: '1420' })).toEqual([
    'ip link set eth0 mtu 1420',
    'ip addr add 10.77.1.3/24 dev eth0',
  ]);
});

test('a compute that is given routers takes the first', () => {
  expect(bind({ router: '10.77.1.254 10.77.1.253' }).at(-1)).toBe(
    'ip route add default via 10.77.1.254 dev eth0',
  );
});
