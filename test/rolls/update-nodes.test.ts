import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renderNodesUpdate } from '../../src/rolls/nodes-update.ts';
import { renderFrontendSeed } from '../../src/rolls/seed.ts';
import { file, pack } from '../../src/rolls/tar.ts';
import { clusterOf } from './cluster-of.ts';

const program = join(import.meta.dirname, '../../src/rolls/files/base/usr/lib/mvc/update-nodes');
const { secrets } = clusterOf(0);

/** The nodes as an operation of this epoch has them. */
const contextOf = (computes: number, epoch: number) => ({ ...clusterOf(computes).context, epoch });
const updateOf = (computes: number, epoch: number) =>
  renderNodesUpdate(contextOf(computes, epoch), secrets);

/** A frontend's root: what its seed gave, and a service that notes what it reads again. */
let root: string;
const inRoot = (...path: string[]) => join(root, ...path);
const read = (...path: string[]) => readFileSync(inRoot(...path), 'utf8');
const reloads = () => (existsSync(inRoot('reloads')) ? read('reloads') : '');

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mvc-root-'));
  for (const path of ['usr/lib/mvc/nodes.d', 'var/lib/mvc/boot/armed']) {
    mkdirSync(inRoot(path), { recursive: true });
  }
  service('exit 0');
  seed(2, 10);
});
afterEach(() => rmSync(root, { recursive: true }));

function service(end: string): void {
  const path = inRoot('usr/lib/mvc/nodes.d/service');
  writeFileSync(path, `#!/bin/sh\necho "$@" >> ${inRoot('reloads')}\n${end}\n`);
  chmodSync(path, 0o755);
}

/** As the first stage lays it over the root. */
function seed(computes: number, epoch: number): void {
  for (const name of ['nodes', 'tokens', 'macs']) {
    rmSync(inRoot('var/lib/mvc', name), { recursive: true, force: true });
  }
  const input = gunzipSync(renderFrontendSeed(contextOf(computes, epoch), secrets));
  execFileSync('tar', ['-xf', '-', '--no-same-owner', '-C', root], { input });
}

function run(args: string[], input = ''): { status: number | null; stderr: string } {
  const env = { ...process.env, MVC_ROOT: root };
  const { status, stderr } = spawnSync(program, args, { input, env, encoding: 'utf8' });
  return { status, stderr };
}

/** In pieces of this many characters, as the controller does. */
function tell(archive: Buffer, length = 300): { status: number | null; stderr: string } {
  const digest = createHash('sha256').update(archive).digest('hex');
  const pieces = archive.toString('base64').match(new RegExp(`.{1,${length}}`, 'g')) ?? [];
  pieces.forEach((piece, index) => run(['add', digest, String(index)], piece));
  return run(['apply', digest, String(pieces.length)]);
}

const knownNodes = () => readdirSync(inRoot('var/lib/mvc/nodes')).toSorted();
const handouts = (...numbers: number[]) => [
  'common.tar',
  ...numbers.map((n) => `compute-site${n % 8}-${n}.tar`),
];
const wellDone = { status: 0, stderr: '' };

describe('the program that tells a running frontend its nodes', () => {
  test('adds a node, and lets services read what has changed', () => {
    expect(tell(updateOf(3, 11))).toEqual(wellDone);
    expect(knownNodes()).toEqual(handouts(1, 2, 3));
    expect(read('var/lib/mvc/macs/02-00-00-00-00-04')).toBe('compute-site3-3\n');
    for (const path of ['etc/mvc/hosts', 'etc/mvc/dhcp-hosts', 'etc/slurm/nodes.conf']) {
      expect(read(path)).toContain('compute-site3-3');
      expect(reloads()).toContain(path);
    }
    expect(readdirSync(inRoot('var/lib/mvc/tokens'))).toHaveLength(3);
  });

  test('forgets a node that is not named any more, and what was noted of its boots', () => {
    for (const n of [1, 2])
      writeFileSync(inRoot(`var/lib/mvc/boot/armed/compute-site${n}-${n}`), '');
    expect(tell(updateOf(1, 11))).toEqual(wellDone);
    expect(knownNodes()).toEqual(handouts(1));
    expect(read('etc/slurm/nodes.conf')).not.toContain('compute-site2-2');
    expect(readdirSync(inRoot('var/lib/mvc/boot/armed'))).toEqual(['compute-site1-1']);
    for (const kind of ['macs', 'tokens']) {
      expect(readdirSync(inRoot('var/lib/mvc', kind))).toHaveLength(1);
    }
  });

  test('changes nothing and reloads nothing the second time', () => {
    tell(updateOf(3, 11));
    const before = execFileSync('find', [root, '-ls']).toString();
    const reloaded = reloads();
    expect(tell(updateOf(3, 11))).toEqual(wellDone);
    expect(reloads()).toBe(reloaded);
    const lists = (listing: string) =>
      listing.split('\n').filter((line) => /\/etc\/|mvc\/(?:nodes|macs|tokens)/.test(line));
    expect(lists(execFileSync('find', [root, '-ls']).toString())).toEqual(lists(before));
  });

  test('reloads nothing for a later operation with the same nodes', () => {
    expect(tell(updateOf(2, 11))).toEqual(wellDone);
    expect(read('etc/mvc/nodes-epoch')).toBe('11\n');
    expect(reloads()).not.toMatch(/hosts|nodes\.conf/);
  });

  test('lets services read again after a run in which one failed', () => {
    service('exit 1');
    expect(tell(updateOf(3, 11))).toEqual({
      status: 1,
      stderr: 'service has not taken up the new nodes\n',
    });
    service('exit 0');
    rmSync(inRoot('reloads'));
    expect(tell(updateOf(3, 11))).toEqual(wellDone);
    expect(reloads()).toContain('etc/slurm/nodes.conf');
  });

  test('refuses the nodes of an earlier operation', () => {
    expect(tell(updateOf(3, 9))).toEqual({
      status: 3,
      stderr: 'a later operation has told this frontend its nodes already\n',
    });
    expect(knownNodes()).toEqual(handouts(1, 2));
  });

  test('refuses an archive of which a piece is missing or differs', () => {
    const archive = updateOf(3, 11);
    const digest = createHash('sha256').update(archive).digest('hex');
    const text = archive.toString('base64');
    run(['add', digest, '0'], text.slice(0, 400));
    expect(run(['apply', digest, '2']).stderr).toBe('piece 1 of 2 is missing\n');
    run(['add', digest, '1'], text.slice(404));
    expect(run(['apply', digest, '2']).stderr).toBe('the archive is not whole\n');
    run(['add', digest, '1'], text.slice(400));
    expect(run(['apply', digest, '2'])).toEqual(wellDone);
  });

  test.each([
    ['etc/passwd', 'root'],
    ['etc/mvc/frontend.env', 'ADDRESS=;'],
    ['var/lib/mvc/nodes/common.tar', ''],
    ['var/lib/mvc/boot/armed/x', ''],
  ])('refuses an archive that names %s', (path, text) => {
    const archive = pack([file('etc/mvc/nodes-epoch', '99\n'), file(path, text)]);
    const { stderr } = tell(archive);
    expect(stderr).toBe(`the archive names ${path}\n`);
    expect(read('etc/mvc/nodes-epoch')).toBe('10\n');
  });

  test('refuses an archive that lacks a part', () => {
    const archive = pack([file('etc/mvc/nodes-epoch', '99\n')]);
    expect(tell(archive).stderr).toBe('the archive lacks var/lib/mvc/nodes/\n');
  });

  test('refuses arguments that are none', () => {
    expect(run(['add', '../x', '0']).status).toBe(1);
    expect(run(['add', 'a'.repeat(64), '-1']).status).toBe(1);
    expect(run([]).stderr).toContain('update-nodes add|apply');
  });
});

describe('when the frontend boots again', () => {
  test('its nodes are those that it was told after its seed was made', () => {
    tell(updateOf(3, 11));
    rmSync(inRoot('reloads'));
    seed(2, 10);
    expect(run(['boot'])).toEqual(wellDone);
    expect(knownNodes()).toEqual(handouts(1, 2, 3));
    expect(read('etc/slurm/nodes.conf')).toContain('compute-site3-3');
    expect(read('etc/mvc/nodes-epoch')).toBe('11\n');
    expect(reloads()).toBe('');
  });

  test('telling it the same again reloads nothing', () => {
    tell(updateOf(3, 11));
    seed(2, 10);
    run(['boot']);
    rmSync(inRoot('reloads'));
    expect(tell(updateOf(3, 11))).toEqual(wellDone);
    expect(reloads()).toBe('');
  });

  test('a seed that is newer wins, for good', () => {
    tell(updateOf(3, 11));
    seed(1, 12);
    expect(run(['boot'])).toEqual(wellDone);
    expect(knownNodes()).toEqual(handouts(1));
    seed(1, 10);
    run(['boot']);
    expect(knownNodes()).toEqual(handouts(1));
  });

  test('an update that was cut short is finished', () => {
    service('kill -9 $PPID');
    tell(updateOf(3, 11));
    seed(2, 10);
    expect(run(['boot'])).toEqual(wellDone);
    expect(knownNodes()).toEqual(handouts(1, 2, 3));
  });

  test('a kept update that cannot be read leaves the seed as it is', () => {
    tell(updateOf(3, 11));
    writeFileSync(inRoot('var/lib/mvc-update/kept.tar.gz'), 'x');
    seed(2, 10);
    expect(run(['boot']).status).toBe(1);
    expect(knownNodes()).toEqual(handouts(1, 2));
  });
});
