import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createRunitSupervisor } from '../../../src/drivers/supervisor/runit.ts';
import type { Service, Supervisor } from '../../../src/drivers/supervisor/supervisor.ts';
import { createLocalShell } from '../../../src/transport/local-shell.ts';

const mark = {
  installation: '7f1f1c46-6f0e-4f53-9d53-000000000001',
  cluster: 'demo',
  clusterId: '0123456789ab',
};
let directory: string;
let runsvdir: ChildProcess;
let supervisor: Supervisor;

const service = (word: string): Service => ({
  name: 'mvc-test',
  mark,
  script: `#!/bin/sh
echo "$WORD $(cat text)" >> said
echo $$ > pid
trap 'kill $child; echo ended >> said; exit 0' TERM
sleep 60 & child=$!
wait $child
`,
  env: { WORD: word },
  files: { text: 'from a file' },
});
const inside = (file: string) => join(directory, 'services/mvc-test', file);
const said = () => (existsSync(inside('said')) ? readFileSync(inside('said'), 'utf8') : '');

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 120; attempt += 1) {
    if (await what()) return;
    await sleep(100);
  }
  throw new Error(`it did not happen: ${String(what)}; said ${JSON.stringify(said())}`);
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mvc-runit-'));
  mkdirSync(join(directory, 'scan'));
  runsvdir = spawn('runsvdir', [join(directory, 'scan')], { stdio: 'ignore' });
  supervisor = createRunitSupervisor({
    shell: createLocalShell(),
    scanDirectory: join(directory, 'scan'),
    root: join(directory, 'services'),
  });
});

afterEach(async () => {
  await supervisor.remove(['mvc-test']);
  const ended = once(runsvdir, 'exit');
  // HUP: it ends its services too.
  runsvdir.kill('SIGHUP');
  await ended;
  rmSync(directory, { recursive: true, force: true });
});

it('keeps a service running, starts it again when it changed, and removes every trace', async () => {
  await supervisor.ensure([service('one')]);
  await until(() => said() === 'one from a file\n');
  expect(await supervisor.describe('mvc-')).toEqual([
    { name: 'mvc-test', mark, env: { WORD: 'one' }, up: true, directory: inside('') },
  ]);
  expect(statSync(inside('env/WORD')).mode & 0o777).toBe(0o600);

  await supervisor.ensure([service('one')]);
  await sleep(300);
  expect(said(), 'an unchanged service is left alone').toBe('one from a file\n');

  process.kill(Number(readFileSync(inside('pid'), 'utf8')), 'SIGKILL');
  await until(() => said() === 'one from a file\none from a file\n');

  await supervisor.ensure([service('two')]);
  await until(() => said().endsWith('ended\ntwo from a file\n'));

  await supervisor.remove(['mvc-test']);
  expect(readdirSync(join(directory, 'services'))).toEqual([]);
  expect(readdirSync(join(directory, 'scan'))).toEqual([]);
  expect(await supervisor.describe('mvc-')).toEqual([]);
  await supervisor.remove(['mvc-test']);
}, 40_000);

it('refuses to touch a service that another installation made', async () => {
  await supervisor.ensure([service('one')]);
  const foreign = { ...mark, installation: '7f1f1c46-6f0e-4f53-9d53-000000000002' };
  await expect(supervisor.ensure([{ ...service('two'), mark: foreign }])).rejects.toMatchObject({
    kind: 'Conflict',
  });
});

it('refuses values that could be read as more than one word of the environment', async () => {
  for (const value of ['a\nB=c', 'a"b', '$(id)', ' a', 'a\\']) {
    await expect(supervisor.ensure([service(value)])).rejects.toMatchObject({ kind: 'BadInput' });
  }
});
