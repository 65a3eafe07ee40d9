import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineFromEnvironment } from '../../src/installation/engine-settings.ts';
import { explainEngineTrouble } from '../../src/installation/engine-trouble.ts';
import { databaseFromEnvironment } from '../../src/installation/postgres-settings.ts';

let directory: string;
const path = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-settings-'));
  await writeFile(path('password'), 'from a file\n');
  await writeFile(path('api-key'), 'the-key\n');
  await writeFile(path('empty'), '\n');
  await writeFile(path('pem'), 'a certificate');
  await writeFile(
    path('temporal.toml'),
    `[profile.cloud]
     address = "ns.acct.tmprl.cloud:7233"
     namespace = "ns.acct"
     [profile.half.tls]
     client_cert_path = "${path('pem')}"
     [profile.gone.tls]
     server_ca_cert_path = "${path('no-such.pem')}"`,
  );
  await writeFile(path('broken.toml'), '[profile.cloud]\napi_key = "secret-of-a-broken-file');
});
afterAll(() => rm(directory, { recursive: true }));

describe('the engine', () => {
  const profile = (name: string, more: NodeJS.ProcessEnv = {}) => ({
    TEMPORAL_CONFIG_FILE: path('temporal.toml'),
    TEMPORAL_PROFILE: name,
    ...more,
  });

  test('a profile says where it is, a file holds its key, and with a key there is TLS', async () => {
    const env = profile('cloud', { MVC_TEMPORAL_API_KEY_FILE: path('api-key') });
    expect(await engineFromEnvironment(env)).toEqual({
      address: 'ns.acct.tmprl.cloud:7233',
      namespace: 'ns.acct',
      connection: { address: 'ns.acct.tmprl.cloud:7233', tls: true, apiKey: 'the-key' },
    });
  });

  test('variables go before the profile, and empty ones count as none', async () => {
    const env = profile('cloud', { TEMPORAL_NAMESPACE: 'other', TEMPORAL_ADDRESS: '' });
    expect(await engineFromEnvironment(env)).toMatchObject({
      address: 'ns.acct.tmprl.cloud:7233',
      namespace: 'other',
    });
  });

  test.each([
    ['a profile that is not there', () => profile('nowhere'), "Profile 'nowhere' not found"],
    ['a certificate without its key', () => profile('half'), 'certificate without its key'],
    ['a file that is gone', () => profile('gone'), 'no-such.pem'],
    [
      'a missing file of profiles',
      () => profile('cloud', { TEMPORAL_CONFIG_FILE: path('none.toml') }),
      'none.toml cannot be read',
    ],
    [
      'a missing key file',
      () => profile('cloud', { MVC_TEMPORAL_API_KEY_FILE: path('none') }),
      'cannot be read: ENOENT',
    ],
    [
      'an empty key file',
      () => profile('cloud', { MVC_TEMPORAL_API_KEY_FILE: path('empty') }),
      'is empty',
    ],
  ])('%s is wrong input', async (_what, env, words) => {
    await expect(engineFromEnvironment(env())).rejects.toMatchObject({
      kind: 'BadInput',
      message: expect.stringContaining(words),
    });
  });

  test('an address alone takes nothing from the profiles of the user', async () => {
    await mkdir(path('temporalio'));
    await writeFile(path('temporalio/temporal.toml'), '[profile.default]\napi_key = "of-the-user"');
    const env = { TEMPORAL_ADDRESS: '127.0.0.1:7233', XDG_CONFIG_HOME: directory };
    const alone = await engineFromEnvironment(env);
    expect(alone.connection).toEqual({ address: '127.0.0.1:7233' });
    const named = await engineFromEnvironment({ ...env, TEMPORAL_PROFILE: 'default' });
    expect(named.connection.apiKey).toBe('of-the-user');
  });

  test('a broken file of profiles is not quoted', async () => {
    const env = profile('cloud', { TEMPORAL_CONFIG_FILE: path('broken.toml') });
    const error: unknown = await engineFromEnvironment(env).catch((each: unknown) => each);
    expect(error).toMatchObject({ kind: 'BadInput' });
    expect(inspect(error)).not.toContain('secret-of-a-broken-file');
  });

  test('a port where nothing listens is told by its error', async () => {
    const settings = { address: '127.0.0.1:1', namespace: 'default' };
    for (const tls of [undefined, true]) {
      const connection = { address: settings.address, ...(tls === undefined ? {} : { tls }) };
      expect(await explainEngineTrouble({ ...settings, connection })).toMatchObject({
        kind: 'Unreachable',
        message: 'Temporal does not answer at 127.0.0.1:1 (ECONNREFUSED)',
      });
    }
  });
});

describe('the database', () => {
  const url = 'postgres://fred@db.example.org:6432/clusters';

  test('a URL says where it is, a file holds its password', async () => {
    const env = { MVC_POSTGRES_URL: url, MVC_POSTGRES_PASSWORD_FILE: path('password') };
    expect(await databaseFromEnvironment(env)).toEqual({
      host: 'db.example.org',
      port: 6432,
      user: 'fred',
      database: 'clusters',
      password: 'from a file',
    });
  });

  test("PostgreSQL's own variables say the same", async () => {
    const env = { PGHOST: 'db', MVC_POSTGRES_PASSWORD_FILE: path('password') };
    expect(await databaseFromEnvironment(env)).toMatchObject({
      host: 'db',
      port: 5432,
      user: 'mvc',
      database: 'mvc',
    });
  });

  test('TLS is verified, by the named authority where there is one', async () => {
    const env = { MVC_POSTGRES_URL: `${url}?sslmode=require` };
    expect(await databaseFromEnvironment(env)).toMatchObject({ ssl: {} });
    const named = { MVC_POSTGRES_URL: `${url}?sslmode=verify-full&sslrootcert=${path('pem')}` };
    expect(await databaseFromEnvironment(named)).toMatchObject({ ssl: { ca: 'a certificate' } });
    await expect(
      databaseFromEnvironment({ MVC_POSTGRES_URL: `${url}?sslmode=prefer` }),
    ).rejects.toThrow('must be disable or verify-full');
  });

  test.each(['postgres://fred:hidden-word@db/clusters', 'fred:hidden-word@db', 'http://db'])(
    '%s is refused without being quoted',
    async (text) => {
      const env = { MVC_POSTGRES_URL: text };
      const error: unknown = await databaseFromEnvironment(env).catch((each: unknown) => each);
      expect(error).toMatchObject({ kind: 'BadInput' });
      expect(inspect(error)).not.toContain('hidden-word');
    },
  );
});
