import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { MvcClient } from '../../src/client/mvc-client.ts';
import { servicesDown } from '../../src/installation/down.ts';
import { mvcHome, type Home } from '../../src/installation/home.ts';
import { inspectServices } from '../../src/installation/inspect.ts';
import { connectionSettings } from '../../src/installation/settings.ts';
import { servicesUp } from '../../src/installation/up.ts';
import { startEngine } from '../helpers/controller.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';

/** `mvc up` beside a database and an engine that others run. */
const onProgress = () => undefined;
let home: Home;
let engine: TestWorkflowEnvironment;
let postgres: TestPostgres;

beforeAll(async () => {
  home = mvcHome({ MVC_HOME: await mkdtemp(join(tmpdir(), 'mvc-external-')) });
  engine = await startEngine({});
  postgres = await startPostgres();
  const { host, port, user, database, password } = postgres.settings;
  const passwordFile = join(home.root, 'password-of-the-database');
  await writeFile(passwordFile, password, { mode: 0o600 });
  vi.stubEnv('TEMPORAL_ADDRESS', engine.address);
  vi.stubEnv('MVC_POSTGRES_URL', `postgres://${user}@${host}:${port}/${database}`);
  vi.stubEnv('MVC_POSTGRES_PASSWORD_FILE', passwordFile);
  await servicesUp(home, { onProgress });
});

afterAll(async () => {
  await servicesDown(home, { onProgress });
  vi.unstubAllEnvs();
  await engine?.teardown();
  await postgres?.stop();
  await rm(home.root, { recursive: true });
});

test('only the workers are started, and they work', async () => {
  const report = await inspectServices(home);
  expect(report.services.map(({ name }) => name)).toEqual([
    'supervisor',
    'control-worker',
    'site-worker',
  ]);
  expect(report.healthy).toBe(true);
  expect(report.uiUrl).toBeUndefined();
  const { temporal } = await connectionSettings(home);
  const client = await MvcClient.connect(temporal);
  await client.registerSite({ name: 'alpine', kind: 'memory', containers: [{ name: 'h1' }] });
  await client.close();
});

test('services that run are not given other servers', async () => {
  vi.stubEnv('TEMPORAL_ADDRESS', '');
  try {
    await expect(servicesUp(home, { onProgress })).rejects.toMatchObject({
      kind: 'Conflict',
      message: 'the services already run with the Temporal that the settings named then',
    });
  } finally {
    vi.stubEnv('TEMPORAL_ADDRESS', engine.address);
  }
});
