import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonShapes } from '../../src/cli/json/shapes.ts';
import type { SiteBegun } from '../../src/cli/site-init.ts';
import { runProgram, type Ended } from '../helpers/command-line.ts';
import { FakeSsh } from '../helpers/fake-ssh.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
/** Each run of the program takes seconds where others use the processors, too. */
const slow = { timeout: 60_000 };
const hostKey = `SHA256:${'k'.repeat(43)}`;
const words = {
  ssh: 'alpine.example.org:2222',
  'public-address': '198.51.100.11',
  'lan-address': '192.168.10.1',
  container: 'h1=192.168.10.11',
  gateway: '192.168.10.1/24',
  addresses: '192.168.10.100,192.168.10.101',
};

let desk: string;
let ssh: FakeSsh;
beforeEach(() => {
  desk = mkdtempSync(join(tmpdir(), 'mvc-desk-'));
  ssh = new FakeSsh();
  // The scripts of the hosts are for them, not for this machine.
  ssh.behave('echo "mvc: is prepared"');
});
afterEach(() => {
  rmSync(desk, { recursive: true });
  ssh.remove();
});

const directory = () => join(desk, 'alpine');
const file = () => join(directory(), 'site.yaml');
const readSite = () => parse(readFileSync(file(), 'utf8')) as unknown;
const policyIn = (script: string): unknown =>
  JSON.parse(
    /^policy\(\) \{\n.*\n([\s\S]*?)\nEND_OF_TEXT$/m.exec(
      readFileSync(join(directory(), script), 'utf8'),
    )?.[1] ?? '',
  );

function init(change: Partial<typeof words> = {}, ...more: string[]): Promise<Ended> {
  const options = Object.entries({ ...words, ...change }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  const argv = [main, 'site', 'init', 'alpine', ...options, '--write', directory(), ...more];
  return runProgram(process.execPath, argv, { ...process.env, PATH: ssh.path });
}

/** As `mvc site keys` does, once a person has compared them. */
function fillInKeys(): string {
  const text = readFileSync(file(), 'utf8').replaceAll("hostKey: ''", `hostKey: '${hostKey}'`);
  writeFileSync(file(), text);
  return text;
}

describe('mvc site init', slow, () => {
  it('makes a key that only its owner can read, the site’s file, and a script for each host', async () => {
    const { exitCode, stdout } = await init();
    expect(exitCode).toBe(0);
    expect(readdirSync(directory()).toSorted()).toEqual([
      'h1.sh',
      'key',
      'key.pub',
      'physical-frontend.sh',
      'site.yaml',
    ]);
    expect(statSync(join(directory(), 'key')).mode & 0o777).toBe(0o600);
    expect(stdout).toContain(`mvc site keys -f ${file()}`);
    expect(readSite()).toMatchObject({
      frontend: { address: 'alpine.example.org', port: 2222, hostKey: '' },
      containers: [{ name: 'h1', address: '192.168.10.11', hostKey: '' }],
    });
    expect(policyIn('physical-frontend.sh')).toMatchObject({ siteBridges: [] });
    expect(policyIn('h1.sh')).toMatchObject({ host: 'h1', siteBridges: ['lan0'] });
    expect(ssh.calls()).toEqual([]);
  });

  it('keeps, when run again, the key and a file that says the same, with its host keys', async () => {
    await init();
    const edited = `# mine\n${fillInKeys()}`;
    writeFileSync(file(), edited);
    const key = readFileSync(join(directory(), 'key'), 'utf8');
    const { exitCode, stdout } = await init({}, '--json');
    expect(exitCode).toBe(0);
    const begun = jsonShapes['site init']?.parse(JSON.parse(stdout)) as SiteBegun;
    expect(begun).toMatchObject({ site: 'alpine', file: file(), kept: true });
    expect(begun.scripts.map(({ host, ran }) => [host, ran])).toEqual([
      ['physical-frontend', false],
      ['h1', false],
    ]);
    expect(readFileSync(file(), 'utf8')).toBe(edited);
    expect(readFileSync(join(directory(), 'key'), 'utf8')).toBe(key);
  });

  it('refuses to write over a file that says something else, and changes nothing', async () => {
    await init();
    const before = fillInKeys();
    const script = readFileSync(join(directory(), 'h1.sh'), 'utf8');
    const { exitCode, stderr } = await init({ container: 'h1=192.168.10.12' });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('containers.0.address 192.168.10.11 → 192.168.10.12');
    expect(stderr).not.toContain('hostKey');
    expect(stderr).toContain('--force');
    expect(readFileSync(file(), 'utf8')).toBe(before);
    expect(readFileSync(join(directory(), 'h1.sh'), 'utf8')).toBe(script);
  });

  it('with --force writes it anew, and keeps the host keys of addresses that stay', async () => {
    await init();
    fillInKeys();
    expect((await init({ container: 'h1=192.168.10.12' }, '--force')).exitCode).toBe(0);
    expect(readSite()).toMatchObject({
      frontend: { hostKey },
      containers: [{ address: '192.168.10.12', hostKey: '' }],
    });
  });

  it('says in the file if no UDP from outside arrives, and nothing else otherwise', async () => {
    await init();
    expect(readSite()).not.toHaveProperty('frontend.inbound');
    expect((await init({}, '--no-inbound')).stderr).toContain('frontend.inbound true → false');
    expect((await init({}, '--no-inbound', '--force')).exitCode).toBe(0);
    expect(readSite()).toMatchObject({ frontend: { inbound: false } });
  });

  it('refuses to write over what is no site at all', async () => {
    await init();
    writeFileSync(file(), 'my: notes\n');
    expect((await init()).stderr).toContain('it is no site');
    expect(readFileSync(file(), 'utf8')).toBe('my: notes\n');
  });

  it.each([
    ['two VM containers at one address', ['--container', 'h2=192.168.10.11'], 'must differ'],
    [
      'a VM container called as the physical frontend',
      ['--container', 'physical-frontend=192.168.10.12'],
      'may be called',
    ],
    ['ports that are none', ['--udp-ports', '7700'], 'udpPorts'],
  ])('refuses %s', async (_, more, complaint) => {
    const { exitCode, stderr } = await init({}, ...more);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(complaint);
  });
});

describe('mvc site init for one machine in both roles', slow, () => {
  it('makes one script, whose policy names both', async () => {
    expect((await init({ container: 'h1=192.168.10.1' })).exitCode).toBe(0);
    expect(readdirSync(directory()).filter((name) => name.endsWith('.sh'))).toEqual([
      'physical-frontend.sh',
    ]);
    expect(policyIn('physical-frontend.sh')).toMatchObject({
      host: 'physical-frontend',
      container: 'h1',
      siteBridges: ['lan0'],
    });
  });

  it.each(['198.51.100.11', '127.0.0.1'])(
    'asks for its inner address instead of %s',
    async (address) => {
      const { exitCode, stderr } = await init({ container: `h1=${address}` });
      expect(exitCode).toBe(2);
      expect(stderr).toContain('--container h1=192.168.10.1');
    },
  );
});

describe('mvc site init --run', slow, () => {
  it('runs each script at its host, VM containers through the physical frontend', async () => {
    const { exitCode, stdout } = await init({}, '--run', '--as', 'alice');
    expect(exitCode).toBe(0);
    const script = (name: string) => readFileSync(join(directory(), name), 'utf8');
    const [frontend, h1, ...others] = ssh.calls();
    expect(others).toEqual([]);
    expect(frontend?.args.join(' ')).toMatch(/-l alice -p 2222 -- alpine\.example\.org$/);
    expect(frontend?.stdin).toBe(script('physical-frontend.sh'));
    expect(h1?.args.join(' ')).toContain('-J alice@alpine.example.org:2222');
    expect(h1?.args.join(' ')).toMatch(/HostKeyAlias=h1\.alpine -l alice -- 192\.168\.10\.11$/);
    expect(h1?.stdin).toBe(script('h1.sh'));
    expect(stdout).toContain('h1: running its script at alice@192.168.10.11 …\n  mvc: is prepared');
  });

  it('stops at the first host where it fails, says which are prepared, and goes on when run again', async () => {
    ssh.behave('case "$*" in *192.168*) echo "No route to host" >&2; exit 255; esac');
    const { exitCode, stderr } = await init({}, '--run', '--json');
    expect(exitCode).not.toBe(0);
    expect(JSON.parse(stderr)).toMatchObject({
      error: {
        host: 'h1',
        message: expect.stringContaining('prepared: physical-frontend, of 2 hosts'),
      },
    });
    ssh.behave('exit 0');
    const again = await init({}, '--run', '--json');
    const begun = JSON.parse(again.stdout) as SiteBegun;
    expect(begun.kept).toBe(true);
    expect(begun.scripts.every(({ ran }) => ran)).toBe(true);
  });

  it.each([
    ['--as without --run', ['--as', 'root']],
    ['an account that is none', ['--run', '--as', '-oProxyCommand=id']],
  ])('refuses %s before anything is written', async (_, more) => {
    expect((await init({}, ...more)).exitCode).toBe(2);
    expect(readdirSync(desk)).toEqual([]);
    expect(ssh.calls()).toEqual([]);
  });
});
