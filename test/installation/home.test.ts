import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installationId, mvcHome, secretsKey, type Home } from '../../src/installation/home.ts';
import { postgresSettings, temporalSettings } from '../../src/installation/settings.ts';

let directory: string;
let home: Home;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-home-'));
  home = mvcHome({ MVC_HOME: join(directory, 'made', 'here') });
});

afterEach(() => rm(directory, { recursive: true }));

test('the default is below the data directory of the user', () => {
  expect(mvcHome({ XDG_DATA_HOME: '/data' }).root).toBe('/data/mvc');
});

test('a relative MVC_HOME is refused', () => {
  expect(() => mvcHome({ MVC_HOME: 'here' })).toThrow('MVC_HOME must be an absolute path');
});

test('identity and key are made once, also by many at the same time', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, () => installationId(home)));
  expect(new Set(ids).size).toBe(1);
  const keys = await Promise.all(Array.from({ length: 20 }, () => secretsKey(home)));
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(1);
  expect(keys[0]).toHaveLength(32);
});

test('nobody else can read the home or the key', async () => {
  await secretsKey(home);
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
  expect(await modeOf(home.root)).toBe(0o700);
  expect(await modeOf(home.secrets)).toBe(0o700);
  expect(await modeOf(join(home.secrets, 'key'))).toBe(0o600);
});

test('without running services, whoever needs them is told to run mvc up', async () => {
  await expect(postgresSettings(home)).rejects.toMatchObject({
    kind: 'Unreachable',
    message: expect.stringContaining('PostgreSQL is not running'),
    help: expect.stringContaining('mvc up'),
  });
  await expect(temporalSettings(home)).rejects.toThrow('Temporal is not running');
});
