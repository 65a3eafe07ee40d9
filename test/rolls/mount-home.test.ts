import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../src/rolls/files/home/usr/lib/mvc/mount-home');
let root: string;
const stub = (name: string, script: string) => {
  writeFileSync(join(root, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, name), 0o755);
};
const told = () => readFileSync(join(root, 'told'), 'utf8').trim().split('\n');

/** A machine on which only the third attempt to mount succeeds, and that looks twice afterwards. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mvc-mount-'));
  stub('mountpoint', `[ -e ${root}/mounted ]`);
  stub(
    'mount',
    `echo mount >> ${root}/told; [ "$(grep -c . ${root}/told)" -ge 3 ] && touch ${root}/mounted`,
  );
  stub('umount', `echo umount >> ${root}/told; rm ${root}/mounted ${root}/stale`);
  stub('systemd-notify', `echo ready >> ${root}/told`);
  stub('stat', `[ ! -e ${root}/stale ] || { echo "stat: Stale file handle" >&2; exit 1; }`);
  // The long sleeps are those between two looks.
  stub(
    'sleep',
    `[ "$1" = 1 ] || { echo look >> ${root}/told; [ "$(grep -c look ${root}/told)" -le 2 ]; }`,
  );
});
afterEach(() => rmSync(root, { recursive: true }));

const run = () =>
  spawnSync(program, ['10.77.1.1'], {
    env: { ...process.env, PATH: `${root}:${process.env['PATH']}` },
  });

test('/home is tried until it is there, and only then does the scheduler go on', () => {
  run();
  expect(told()).toEqual(['mount', 'mount', 'mount', 'ready', 'look', 'look', 'look']);
});

test('/home of a frontend with another disk is mounted anew', () => {
  writeFileSync(join(root, 'stale'), '');
  run();
  expect(told().slice(3)).toEqual(['ready', 'look', 'umount', 'mount', 'look', 'look']);
});
