import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Check } from '../../src/domain/site-check.ts';
import type { LibvirtSite } from '../../src/domain/site.ts';
import { closeDatabase, openDatabase, type Database } from '../../src/store/database.ts';
import { migrateToLatest } from '../../src/store/migrate.ts';
import { insertPendingSite } from '../../src/store/sites.ts';
import { generateSshKey } from '../../src/transport/ssh-key.ts';
import { runProgram } from '../helpers/command-line.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { registerSites } from '../helpers/store.ts';
import { siteOf, startSshd, type TestSshd } from '../transport/sshd.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');
const otherKey = `SHA256:${'k'.repeat(43)}`;

let home: string;
let postgres: TestPostgres;
let db: Database;
let host: TestSshd;

/** A host that is there, and knows another key than ours. */
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mvc-home-'));
  [postgres, host] = await Promise.all([
    startPostgres(),
    startSshd('exit 9', generateSshKey('somebody').publicKey),
  ]);
  await migrateToLatest(postgres.settings);
  db = openDatabase(postgres.settings);
  await registerSites(db, ['dry']);
  await insertPendingSite(db, site('right'));
  await insertPendingSite(db, site('changed', { hostKey: otherKey }));
  await insertPendingSite(db, { ...site('keyless'), key: join(home, 'no-such-key') });
});
afterAll(async () => {
  if (db) await closeDatabase(db);
  await Promise.all([postgres?.stop(), host?.stop()]);
  await rm(home, { recursive: true, force: true });
});

function site(name: string, change: { hostKey?: string } = {}): LibvirtSite {
  const { frontend, containers, ...rest } = siteOf(host);
  const at = { user: 'mvc', ...change };
  return {
    ...rest,
    name,
    frontend: { ...frontend, ...at },
    containers: containers.map((each) => ({ ...each, ...at })),
  };
}

function check(...argv: string[]) {
  const { host: server, port, user, password, database } = postgres.settings;
  return runProgram(process.execPath, [main, 'site', 'check', ...argv, '--json'], {
    ...process.env,
    MVC_HOME: home,
    PGHOST: server,
    PGPORT: String(port),
    PGUSER: user,
    PGPASSWORD: password,
    PGDATABASE: database,
  });
}

async function found(name: string): Promise<Check[]> {
  const { exitCode, stdout } = await check(name);
  expect(exitCode).toBe(1);
  return JSON.parse(stdout) as Check[];
}

test('a registered site is checked by its name, with the keys that it was registered with', async () => {
  const checks = await found('right');
  expect(checks.map((each) => `${each.site}/${each.host} ${each.check} ${each.state}`)).toEqual([
    'right/physical-frontend ssh mend',
    'right/c1 ssh mend',
  ]);
  expect(checks[0]?.found).toContain('key');
  expect(checks[0]?.mend).toContain('mvc site prepare');
});

test('a host that shows another key than the registered one is told, with both', async () => {
  const [first] = await found('changed');
  expect(first).toMatchObject({ check: 'ssh', state: 'mend' });
  expect(first?.found).toContain(otherKey);
  expect(first?.found).toContain(host.hostKey);
});

test('a site whose private key is gone says so for each host', async () => {
  const checks = await found('keyless');
  expect(checks).toHaveLength(2);
  for (const each of checks) expect(each.found).toContain(join(home, 'no-such-key'));
});

test('several registered sites are checked at once', async () => {
  const { stdout } = await check('right', 'changed', '--no-udp');
  const sites = (JSON.parse(stdout) as Check[]).map((each) => each.site);
  expect([...new Set(sites)]).toEqual(['right', 'changed']);
});

test.each([
  ['moon', 'site moon is not registered'],
  ['dry', 'exists in memory only'],
])('of %s, which cannot be checked, it says: %s', async (name, words) => {
  const { exitCode, stderr } = await check(name);
  expect(exitCode).toBeGreaterThan(1);
  expect(JSON.parse(stderr)).toMatchObject({ error: { message: expect.stringContaining(words) } });
});
