import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonShapes } from '../../src/cli/json/shapes.ts';
import type { SiteKeys } from '../../src/cli/site-keys.ts';
import { runProgram } from '../helpers/command-line.ts';
import { siteOf, startSshd, type TestSshd } from '../transport/sshd.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
/** No site lets root in. Only a way is needed of the account: nothing is run there. */
const user = process.getuid?.() === 0 ? 'nobody' : userInfo().username;
/** Each run of the program takes seconds where others use the processors, too. */
const slow = { timeout: 60_000 };
const other = `SHA256:${'k'.repeat(43)}`;

let desk: string;
let frontend: TestSshd;
let container: TestSshd;
const file = () => join(desk, 'site.yaml');

beforeAll(async () => {
  desk = mkdtempSync(join(tmpdir(), 'mvc-keys-'));
  [frontend, container] = await Promise.all([startSshd('exit 9'), startSshd('exit 9')]);
  // The server reads it as that account.
  chmodSync(frontend.directory, 0o755);
  chmodSync(join(frontend.directory, 'authorized_keys'), 0o644);
});
afterAll(async () => {
  await Promise.all([frontend?.stop(), container?.stop()]);
  rmSync(desk, { recursive: true, force: true });
});
beforeEach(() => writeSite());

/** As `mvc site init` leaves it, with a comment. */
function writeSite(keys: { frontend?: string; container?: string } = {}, behind = container): void {
  const { containers, ...site } = siteOf(frontend, behind);
  const fill = (host: object, hostKey = '') => ({ ...host, user, hostKey });
  const definition = {
    ...site,
    frontend: fill(site.frontend, keys.frontend),
    containers: containers.map((each) => fill(each, keys.container)),
  };
  writeFileSync(file(), `# mine\n${JSON.stringify(definition)}\n`);
}

const keys = (stdin: string, ...argv: string[]) =>
  runProgram(process.execPath, [main, 'site', 'keys', '-f', file(), ...argv], process.env, stdin);

async function asJson(...argv: string[]): Promise<SiteKeys & { exitCode: number }> {
  const { exitCode, stdout } = await keys('', '--json', ...argv);
  return { ...(jsonShapes['site keys']?.parse(JSON.parse(stdout)) as SiteKeys), exitCode };
}

function keysInFile(): string[] {
  const site = parse(readFileSync(file(), 'utf8')) as ReturnType<typeof siteOf>;
  return [site.frontend, ...site.containers].map((each) => each.hostKey);
}

describe('mvc site keys', slow, () => {
  it('asks first for the physical frontend, then for those behind it, and writes what was confirmed', async () => {
    const { exitCode, stdout } = await keys('yes\nyes\n');
    expect(exitCode).toBe(0);
    expect(stdout.indexOf(frontend.hostKey)).toBeLessThan(stdout.indexOf(container.hostKey));
    expect(stdout).toContain(`mvc site check -f ${file()}`);
    expect(keysInFile()).toEqual([frontend.hostKey, container.hostKey]);
    expect(readFileSync(file(), 'utf8')).toContain('# mine');
  });

  it.each(['no\n', 'yes\nno\n', ''])(
    'leaves the file unchanged after the answer %j',
    async (answer) => {
      const before = readFileSync(file(), 'utf8');
      const { exitCode, stderr } = await keys(answer);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain('is unchanged');
      expect(readFileSync(file(), 'utf8')).toBe(before);
    },
  );

  it('asks nothing about keys that the file has', async () => {
    writeSite({ frontend: frontend.hostKey, container: container.hostKey });
    const { exitCode, stdout } = await keys('');
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain('(yes/no)');
    expect(keysInFile()).toEqual([frontend.hostKey, container.hostKey]);
  });

  it('shows a changed key beside the one of the file', async () => {
    writeSite({ frontend: frontend.hostKey, container: other });
    const { stdout } = await keys('no\n');
    expect(stdout.replaceAll(/ +/g, ' ')).toContain(`c1 ${container.hostKey} ${other}`);
    expect(keysInFile()).toEqual([frontend.hostKey, other]);
  });

  it('asks once for one machine in both roles', async () => {
    writeSite({}, frontend);
    expect((await keys('yes\n')).exitCode).toBe(0);
    expect(keysInFile()).toEqual([frontend.hostKey, frontend.hostKey]);
  });

  it('says what is wrong with a file that it cannot read', async () => {
    rmSync(file());
    const { exitCode, stderr } = await keys('');
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`cannot read ${file()}`);
  });
});

describe('mvc site keys --json', slow, () => {
  it('asks nobody: without a trusted physical frontend it tells of that alone', async () => {
    const before = readFileSync(file(), 'utf8');
    expect(await asJson()).toEqual({
      exitCode: 1,
      file: file(),
      confirmed: false,
      hosts: [{ host: 'physical-frontend', shows: frontend.hostKey }, { host: 'c1' }],
    });
    expect(readFileSync(file(), 'utf8')).toBe(before);
  });

  it('writes the keys that were accepted, all or none', async () => {
    const one = await asJson('--accept', frontend.hostKey);
    expect(one).toMatchObject({ exitCode: 1, confirmed: false });
    expect(one.hosts[1]).toEqual({ host: 'c1', shows: container.hostKey });
    expect(keysInFile()).toEqual(['', '']);

    const both = await asJson('--accept', frontend.hostKey, '--accept', container.hostKey);
    expect(both).toMatchObject({ exitCode: 0, confirmed: true });
    expect(keysInFile()).toEqual([frontend.hostKey, container.hostKey]);
    expect((await asJson()).hosts).toEqual([
      { host: 'physical-frontend', shows: frontend.hostKey, inFile: frontend.hostKey },
      { host: 'c1', shows: container.hostKey, inFile: container.hostKey },
    ]);
  });

  it('refuses to accept what is no fingerprint', async () => {
    const { exitCode, stderr } = await keys('', '--json', '--accept', 'yes');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('fingerprint');
  });
});
