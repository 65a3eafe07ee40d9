import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { generateSshKey } from '../../src/transport/ssh-key.ts';
import { runProgram } from '../helpers/command-line.ts';
import { FakeSsh } from '../helpers/fake-ssh.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
let directory: string;
let ssh: FakeSsh;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mvc-prepare-'));
  writeFileSync(join(directory, 'key.pub'), generateSshKey('mvc@alpine').publicKey);
  ssh = new FakeSsh();
  ssh.behave('echo "mvc: is prepared"');
});
afterEach(() => {
  rmSync(directory, { recursive: true });
  ssh.remove();
});

const prepare = (...argv: string[]) =>
  runProgram(
    process.execPath,
    [main, 'site', 'prepare', '--key', join(directory, 'key.pub'), ...argv],
    { ...process.env, PATH: ssh.path },
  );

it('a script that is printed and one that is run elsewhere are the same', async () => {
  const host = ['--container', 'h1', '--bridge', 'lan0'];
  const printed = await prepare(...host);
  const ran = await prepare(...host, '--at', 'admin@192.168.10.11', '--through', 'alpine');
  expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
  expect(ran.stdout).toBe('h1: running its script at admin@192.168.10.11 …\n  mvc: is prepared\n');
  const [call] = ssh.calls();
  expect(call?.stdin).toBe(printed.stdout);
  expect(call?.args.join(' ')).toBe('-T -o BatchMode=no -J alpine -l admin -- 192.168.10.11');
});

it('the script of one machine in both roles names both in its policy', async () => {
  const { stdout } = await prepare('--frontend', '--container', 'h1', '--bridge', 'lan0');
  expect(stdout).toContain('"host": "physical-frontend",\n  "container": "h1"');
});

it.each([
  ['no host', []],
  ['a way to nowhere', ['--frontend', '--through', 'alpine']],
  ['two places', ['--frontend', '--run', '--at', 'alpine']],
  ['an option as a host', ['--frontend', '--at', '-oProxyCommand=id']],
])('%s is refused, and nothing runs anywhere', async (_, argv) => {
  expect((await prepare(...argv)).exitCode).toBe(2);
  expect(ssh.calls()).toEqual([]);
});
