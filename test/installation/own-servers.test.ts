import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { mvcHome } from '../../src/installation/home.ts';
import { installationServices } from '../../src/installation/services.ts';

const home = mvcHome({ MVC_HOME: tmpdir() });
const database = {
  PGHOST: 'db',
  PGSSLMODE: 'require',
  MVC_POSTGRES_PASSWORD_FILE: '/etc/password',
};
const engine = { TEMPORAL_PROFILE: 'cloud', MVC_TEMPORAL_API_KEY_FILE: '/etc/key' };

function services(env: NodeJS.ProcessEnv) {
  const ports = { postgres: 1, temporal: 2, ui: 3 };
  return installationServices({ home, installation: 'here', ports, env });
}

async function environmentOf(name: string, env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> {
  const service = services(env).find((each) => each.name === name);
  return (await service?.prepare())?.env ?? {};
}

test.each([
  ['nothing', {}, ['postgres', 'temporal', 'control-worker', 'site-worker']],
  ['a database', database, ['temporal', 'control-worker', 'site-worker']],
  ['an engine', engine, ['postgres', 'control-worker', 'site-worker']],
  ['both', { ...database, ...engine }, ['control-worker', 'site-worker']],
])('an environment that names %s leaves the rest to us', (_what, env, names) => {
  const all = services(env);
  expect(all.map((service) => service.name)).toEqual(names);
  for (const { needs } of all) for (const need of needs) expect(names).toContain(need);
});

test('workers are told of the servers that are named', async () => {
  const env = await environmentOf('control-worker', { ...database, ...engine });
  expect(env).toMatchObject({ ...database, ...engine });
  expect(env).not.toHaveProperty('TEMPORAL_ADDRESS');
});

test('settings for servers that are not used reach no worker', async () => {
  const stray = {
    PGUSER: 'somebody',
    TEMPORAL_NAMESPACE: 'elsewhere',
    MVC_TEMPORAL_API_KEY_FILE: '/etc/key',
  };
  const env = await environmentOf('control-worker', stray);
  expect(env).toMatchObject({ TEMPORAL_ADDRESS: '127.0.0.1:2', TEMPORAL_NAMESPACE: 'default' });
  for (const name of ['PGUSER', 'MVC_TEMPORAL_API_KEY_FILE']) expect(env).not.toHaveProperty(name);
});

test('a site worker is never told of the database', async () => {
  const env = await environmentOf('site-worker', { ...database, ...engine, MVC_POSTGRES_URL: 'x' });
  expect(env).toMatchObject(engine);
  expect(Object.keys(env).filter((name) => /^(PG|MVC_POSTGRES)/.test(name))).toEqual([]);
});
