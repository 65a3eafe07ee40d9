import { Client, Connection } from '@temporalio/client';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { servicesDown } from '../../src/installation/down.ts';
import { installationId, mvcHome, type Home } from '../../src/installation/home.ts';
import { inspectServices, type ServiceReport } from '../../src/installation/inspect.ts';
import { withClient } from '../../src/installation/postgres.ts';
import { findMarked, identify, isAlive } from '../../src/installation/process-id.ts';
import { readServicesState } from '../../src/installation/services-state.ts';
import { connectionSettings } from '../../src/installation/settings.ts';
import { servicesUp } from '../../src/installation/up.ts';

const onProgress = () => undefined;
let home: Home;

beforeAll(async () => {
  home = mvcHome({ MVC_HOME: await mkdtemp(join(tmpdir(), 'mvc-up-')) });
  await servicesUp(home, { onProgress });
});

afterAll(async () => {
  await servicesDown(home, { onProgress });
  await rm(home.root, { recursive: true });
});

async function service(name: string): Promise<ServiceReport> {
  const { services } = await inspectServices(home);
  const report = services.find((one) => one.name === name);
  if (!report) throw new Error(`no service ${name}`);
  return report;
}

async function kill(name: string): Promise<number> {
  const { pid } = await service(name);
  if (pid === undefined) throw new Error(`${name} does not run`);
  await killAndWait(pid);
  return pid;
}

async function killAndWait(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await eventually(async () => (await identify(pid)) === undefined, 5_000);
}

async function eventually(check: () => Promise<boolean>, withinMs: number): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`not so within ${withinMs} ms`);
    await sleep(100);
  }
}

async function query(text: string): Promise<unknown[]> {
  const { postgres } = await connectionSettings(home);
  return await withClient(postgres, async (client) => (await client.query(text)).rows);
}

async function withEngine<T>(use: (client: Client) => Promise<T>): Promise<T> {
  const { temporal } = await connectionSettings(home);
  const connection = await Connection.connect(temporal.connection);
  try {
    return await use(new Client({ connection, namespace: temporal.namespace }));
  } finally {
    await connection.close();
  }
}

test('all services are healthy, and the web interface answers', async () => {
  const report = await inspectServices(home);
  expect(report.services.filter((one) => !one.healthy)).toEqual([]);
  expect(report.healthy).toBe(true);
  expect((await fetch(report.uiUrl ?? '')).status).toBe(200);
});

test('two at once start one supervisor', async () => {
  await servicesDown(home, { onProgress });
  const [one, other] = await Promise.all([
    servicesUp(home, { onProgress }),
    servicesUp(home, { onProgress }),
  ]);
  expect(one.supervisor).toEqual(other.supervisor);
  expect(one.ports).toEqual(JSON.parse(await readFile(home.configFile, 'utf8')).ports);
});

test('a second up finds them running, in less than a second', async () => {
  const before = await readServicesState(home);
  const begin = Date.now();
  const state = await servicesUp(home, { onProgress });
  expect(Date.now() - begin).toBeLessThan(1_000);
  expect(state.supervisor).toEqual(before?.supervisor);
});

test('everything listens on loopback alone', async () => {
  const listening = await listeningAddresses();
  for (const { pid } of (await inspectServices(home)).services) {
    for (const descriptor of await readdir(`/proc/${pid}/fd`)) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
      const address = listening.get(target);
      if (address !== undefined) expect(address).toBe('0100007F');
    }
  }
});

test.each(['postgres', 'temporal'])('%s comes back by itself after kill -9', async (name) => {
  const before = await kill(name);
  await eventually(async () => {
    const now = await service(name);
    return now.healthy && now.pid !== before;
  }, 20_000);
  expect((await service(name)).restarts).toBe(1);
});

test('the search attributes of builds are registered', async () => {
  await withEngine(async (client) => {
    const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
      namespace: 'default',
    });
    expect(Object.keys(customAttributes ?? {})).toEqual(
      expect.arrayContaining(['MvcCluster', 'MvcSite', 'MvcPhase', 'MvcAttention']),
    );
  });
});

test('a new supervisor takes over what a killed one left running', async () => {
  await eventually(async () => (await inspectServices(home)).healthy, 30_000);
  const before = await readServicesState(home);
  await kill('supervisor');
  const after = await servicesUp(home, { onProgress });
  expect(after.supervisor).not.toEqual(before?.supervisor);
  const pids = (state: typeof before) => state?.services.map((one) => one.process?.pid);
  expect(pids(after)).toEqual(pids(before));
});

test('after kill -9 of everything, up goes on with the same installation and data', async () => {
  const id = await installationId(home);
  await query('create table kept (value int)');
  await query('insert into kept values (42)');
  await withEngine((client) =>
    client.workflow.start('waits', { taskQueue: 'nobody', workflowId: 'kept', args: [] }),
  );
  const all = await findMarked(id);
  expect(all.length).toBeGreaterThan(2);
  await Promise.all(all.map((one) => killAndWait(one.process.pid)));
  await servicesUp(home, { onProgress });
  expect(await installationId(home)).toBe(id);
  expect(await query('select value from kept')).toEqual([{ value: 42 }]);
  await withEngine(async (client) => {
    const { status } = await client.workflow.getHandle('kept').describe();
    expect(status.name).toBe('RUNNING');
  });
});

test('down leaves no process, also of a supervisor that was killed; up starts again', async () => {
  const state = await readServicesState(home);
  await kill('supervisor');
  expect(await servicesDown(home, { onProgress })).toBe(true);
  for (const one of state?.services ?? []) expect(await isAlive(one.process)).toBe(false);
  expect(await findMarked(await installationId(home))).toEqual([]);
  expect(await servicesDown(home, { onProgress })).toBe(false);
  await expect(connectionSettings(home)).rejects.toMatchObject({ kind: 'Unreachable' });

  await servicesUp(home, { onProgress });
  expect((await inspectServices(home)).healthy).toBe(true);
  expect(await servicesDown(home, { onProgress })).toBe(true);
  expect(await findMarked(await installationId(home))).toEqual([]);
});

/** Socket → local address, in the hexadecimal form of /proc/net/tcp. */
async function listeningAddresses(): Promise<Map<string, string>> {
  const text = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'utf8')),
  );
  const rows = text.flatMap((table) => table.split('\n').map((row) => row.trim().split(/\s+/)));
  return new Map(
    rows
      .filter((row) => row[3] === '0A')
      .map((row) => [`socket:[${row[9]}]`, row[1]?.split(':')[0] ?? '']),
  );
}
