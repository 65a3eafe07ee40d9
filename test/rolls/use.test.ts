import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultRolls } from '../../src/domain/cluster.ts';
import type { ClusterUser } from '../../src/domain/users.ts';
import { renderNodesUpdate } from '../../src/rolls/nodes-update.ts';
import { renderFrontendSeed } from '../../src/rolls/seed.ts';
import { clusterOf, listOf, readIn } from './cluster-of.ts';

const cluster = clusterOf(3);
const context = { ...cluster.context, rolls: defaultRolls };
const seed = renderFrontendSeed(context, cluster.secrets);

test('/home is exported to the network of the cluster alone, and to no root', () => {
  expect(readIn(seed, 'etc/exports')).toBe(
    '/home 10.77.1.0/24(fsid=0,rw,sync,no_subtree_check,root_squash,sec=sys)\n',
  );
  const common = execFileSync('tar', ['-xOf', '-', 'var/lib/mvc/nodes/common.tar'], {
    input: gunzipSync(seed),
  });
  expect(common.toString('latin1')).toContain('SERVER=10.77.1.1\n');
});

describe('the topology of the scheduler', () => {
  test('has a switch for each site, and one above them', () => {
    expect(readIn(seed, 'etc/slurm/topology.conf')).toBe(
      'SwitchName=site1 Nodes=compute-site1-1\n' +
        'SwitchName=site2 Nodes=compute-site2-2\n' +
        'SwitchName=site3 Nodes=compute-site3-3\n' +
        'SwitchName=every_site Switches=site1,site2,site3\n',
    );
    expect(readIn(seed, 'etc/slurm/slurm.conf')).toContain('TopologyPlugin=topology/tree\n');
  });

  test('is in each update of the nodes', () => {
    const update = renderNodesUpdate(context, cluster.secrets);
    expect(readIn(update, 'etc/slurm/topology.conf')).toContain('SwitchName=site3 ');
  });

  test('is not told to a cluster that was created without that roll', () => {
    const older = renderFrontendSeed(cluster.context, cluster.secrets);
    expect(readIn(older, 'etc/slurm/slurm.conf')).not.toContain('TopologyPlugin');
    expect(listOf(older)).not.toContain('etc/slurm/topology.conf');
  });
});

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('the program for users', () => {
  const program = join(import.meta.dirname, '../../src/rolls/files/home/usr/lib/mvc/users');
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'mvc-users-'));
    // What is done as a user must get there.
    execFileSync('chmod', ['755', root]);
    for (const name of ['home', 'etc', 'run', 'bin']) mkdirSync(join(root, name));
    writeFileSync(
      join(root, 'etc/passwd'),
      'root:x:0:0::/root:/bin/sh\nhpc:x:1000:1000::/:/bin/sh\n',
    );
    // The machine of the test knows no such users, and has processes of its own.
    const programs = {
      'ssh-keygen':
        'for file; do :; done; echo secret > "$file"; echo "ssh-ed25519 BBBB" > "$file.pub"',
      scancel: '',
      pkill: 'echo "$@" >> "$MVC_ROOT/killed"',
    };
    for (const [name, script] of Object.entries(programs)) {
      writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const run = (args: string[], input = '') => {
    const env = { ...process.env, MVC_ROOT: root };
    return spawnSync(program, args, { env, input, encoding: 'utf8' });
  };
  const key = (comment: string) => `ssh-ed25519 AAAA ${comment}\n`;
  const add = (name: string, keys = key(name)) => run(['add', name], keys);
  const list = () => JSON.parse(run(['list']).stdout) as ClusterUser[];
  const uids = () => list().map(({ name, uid }) => `${name} ${uid}`);

  test('gives each user a number that no other ever has, also not after a removal', () => {
    for (const name of ['ann', 'bob']) expect(add(name)).toMatchObject({ status: 0, stderr: '' });
    expect(run(['remove', 'bob', '--with-home']).status).toBe(0);
    expect(add('carl').status).toBe(0);
    expect(uids()).toEqual(['ann 2000', 'carl 2002']);
    expect(statSync(join(root, 'home/carl'))).toMatchObject({ uid: 2002, mode: 0o40700 });
  });

  test('gives a user whose home was kept the same number again', () => {
    add('ann');
    add('bob');
    expect(run(['remove', 'ann']).status).toBe(0);
    expect(uids()).toEqual(['bob 2001']);
    add('ann');
    expect(uids()).toEqual(['ann 2000', 'bob 2001']);
  });

  test('adds keys to a user who is there, each once', () => {
    add('ann');
    expect(add('ann', key('ann') + key('laptop')).status).toBe(0);
    expect(list()).toEqual([{ name: 'ann', uid: 2000, home: '/home/ann', keys: 2 }]);
  });

  test.each(['root', 'hpc', 'Ann', '-x', 'a/b', '../etc', ''])('refuses the name %j', (name) => {
    expect(add(name).status).toBe(2);
    expect(list()).toEqual([]);
  });

  test('refuses what is no key, and adds nobody then', () => {
    expect(add('ann', 'command="id" ssh-ed25519 AAAA\n').status).toBe(2);
    expect(add('ann', '').status).toBe(2);
    expect(list()).toEqual([]);
  });

  test('writes to a home as its user: a link there leads to nothing that is not theirs', () => {
    add('ann');
    writeFileSync(join(root, 'theirs'), 'kept\n', { mode: 0o600 });
    rmSync(join(root, 'home/ann/.ssh/authorized_keys'));
    symlinkSync(join(root, 'theirs'), join(root, 'home/ann/.ssh/authorized_keys'));
    expect(add('ann').status).not.toBe(0);
    expect(execFileSync('cat', [join(root, 'theirs')], { encoding: 'utf8' })).toBe('kept\n');
  });
});
