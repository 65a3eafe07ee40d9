import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Context } from '@temporalio/activity';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import {
  createControlActivities,
  type ControlActivities,
} from '../../src/activities/control/control.ts';
import { createAllSiteActivities } from '../../src/activities/site/site-activities.ts';
import { MvcClient } from '../../src/client/mvc-client.ts';
import type { ClusterSpecInput } from '../../src/domain/cluster.ts';
import { controlQueue, searchAttributes, siteQueue } from '../../src/domain/engine-names.ts';
import { createMemoryWorld, type MemoryWorld } from '../../src/drivers/site/memory/memory-world.ts';
import { createOverlayDriver } from '../../src/drivers/overlay/overlay-drivers.ts';
import { createSiteDriver } from '../../src/drivers/site/site-drivers.ts';
import { ensureVault } from '../../src/secrets/vault.ts';
import { closeDatabase, openDatabase, type Database } from '../../src/store/database.ts';
import { migrateToLatest } from '../../src/store/migrate.ts';
import { generateSshKey } from '../../src/transport/ssh-key.ts';
import { createWatchSchedules } from '../../src/workers/schedules.ts';
import { tellAttempts } from '../../src/workers/told-attempts.ts';
import { workflowBundle } from '../../src/workers/workflow-bundle.ts';
import { startPostgres } from './postgres.ts';
import { createToldKeys, type ToldKey } from './told-keys.ts';

const root = join(import.meta.dirname, '..', '..');
export const testInstallation = '11111111-2222-4333-8444-555555555555';
export const testSites = ['alpine', 'beach', 'cloud'];

/** A whole controller on a real engine and a real database, over sites in memory. */
export interface TestController {
  client: MvcClient;
  /** Of the engine, host:port. */
  address: string;
  engine: TestWorkflowEnvironment;
  world: MemoryWorld;
  db: Database;
  /** What the control worker offers, for a test that starts another one. */
  controlActivities: ControlActivities;
  /** Keys of overlays that the sites have been told, in turn. */
  toldKeys: readonly ToldKey[];
  /** Lets builds wait for their image until the returned function is called. */
  holdImage(): () => void;
  /** A spec over all test sites, one compute each. */
  spec(name: string, change?: Partial<ClusterSpecInput>): ClusterSpecInput;
  stop(): Promise<void>;
}

export interface EngineOptions {
  /** The engine's dynamic configuration, `key=value` each. */
  settings?: string[];
  /** Loopback port at which the engine's UI is served; none by default. */
  uiPort?: number;
}

export async function startController(options: EngineOptions = {}): Promise<TestController> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const undo: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const each of undo.toReversed()) await each();
  };
  try {
    return { ...(await assemble(undo, options)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function assemble(
  undo: (() => Promise<void>)[],
  options: EngineOptions,
): Promise<Omit<TestController, 'stop'>> {
  const directory = await mkdtemp(join(tmpdir(), 'mvc-controller-'));
  undo.push(() => rm(directory, { recursive: true, force: true }));
  const postgres = await startPostgres();
  undo.push(() => postgres.stop());
  await migrateToLatest(postgres.settings);
  const db = openDatabase(postgres.settings);
  undo.push(() => closeDatabase(db));
  const engine = await startEngine(options);
  undo.push(() => engine.teardown());
  const world = createMemoryWorld();
  const gate = new ImageGate();
  const keys = createToldKeys();
  const { workers, controlActivities } = await startWorkers(
    engine,
    db,
    { world, keys },
    directory,
    gate,
  );
  undo.push(async () => {
    for (const { worker } of workers) worker.shutdown();
    await Promise.all(workers.map(({ ended }) => ended));
  });
  const client = await MvcClient.connect({ connection: { address: engine.address } });
  undo.push(() => client.close());
  for (const name of testSites) {
    await client.registerSite({
      name,
      kind: 'memory',
      containers: [{ name: 'h1' }, { name: 'h2' }],
    });
  }
  const { address } = engine;
  return {
    client,
    address,
    engine,
    world,
    db,
    controlActivities,
    toldKeys: keys.told,
    spec,
    holdImage: () => gate.close(),
  };
}

/** Makes the building of an image last as long as a test wants. */
class ImageGate {
  private opened: Promise<void> = Promise.resolve();

  close(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.opened = promise;
    return resolve;
  }

  async pass(): Promise<void> {
    const context = Context.current();
    const beat = setInterval(() => context.heartbeat(), 500);
    try {
      await Promise.race([this.opened, context.cancelled]);
    } finally {
      clearInterval(beat);
    }
  }
}

function spec(name: string, change: Partial<ClusterSpecInput> = {}): ClusterSpecInput {
  return {
    name,
    origin: 'alpine',
    sites: testSites.map((site) => ({ name: site, computes: 1 })),
    overlay: { kind: 'memory' },
    ...change,
  };
}

/** An engine of its own, with the search attributes of builds. */
export async function startEngine({
  settings = [],
  uiPort,
}: EngineOptions): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createLocal({
    server: {
      ...(uiPort === undefined ? {} : { ui: true, uiPort }),
      executable: { type: 'existing-path', path: temporalProgram() },
      // Timers have a granularity of a second by default, which tests would only wait for.
      extraArgs: [
        ...['history.timerProcessorMaxTimeShift="20ms"', ...settings].flatMap((setting) => [
          '--dynamic-config-value',
          setting,
        ]),
        ...Object.entries(searchAttributes).flatMap(([key, name]) => [
          '--search-attribute',
          `${name}=${key === 'attention' ? 'Bool' : 'Keyword'}`,
        ]),
      ],
    },
  });
}

function temporalProgram(): string {
  const places = [join(root, '.tools'), ...(process.env['PATH'] ?? '').split(delimiter)];
  const found = places.map((place) => join(place, 'temporal')).find((path) => existsSync(path));
  if (found) return found;
  throw new Error('the temporal command is missing: `./mvc up` once, or put it on PATH');
}

async function startWorkers(
  engine: TestWorkflowEnvironment,
  db: Database,
  sites: { world: MemoryWorld; keys: ReturnType<typeof createToldKeys> },
  directory: string,
  gate: ImageGate,
) {
  const openDoor = () => {
    throw new Error('no site of these tests is reached by ssh');
  };
  const { world: memoryWorld, keys } = sites;
  const dependencies = { memoryWorld, openDoor };
  const activities = createControlActivities({
    db,
    vault: await ensureVault(join(directory, 'vault-key')),
    installation: testInstallation,
    userKey: generateSshKey('test').publicKey,
    buildImage: () => Promise.reject(new Error('memory sites need no image')),
    schedules: createWatchSchedules(engine.client.schedule),
  });
  const controlActivities: ControlActivities = {
    ...activities,
    nodeImage: async (input) => {
      await gate.pass();
      return activities.nodeImage(input);
    },
  };
  const control = await Worker.create({
    connection: engine.nativeConnection,
    taskQueue: controlQueue,
    workflowBundle: { codePath: await workflowBundle(join(tmpdir(), 'mvc-test-cache')) },
    activities: controlActivities,
    interceptors: { activity: [tellAttempts] },
  });
  const siteWorkers = testSites.map((site) =>
    Worker.create({
      connection: engine.nativeConnection,
      taskQueue: siteQueue(site),
      activities: createAllSiteActivities({
        site: (each) => keys.withSealKey(createSiteDriver(each, dependencies)),
        overlay: (each, kind) =>
          keys.opening(each.name, createOverlayDriver(kind, each, dependencies)),
      }),
      interceptors: { activity: [tellAttempts] },
    }),
  );
  const workers = [control, ...(await Promise.all(siteWorkers))];
  return {
    controlActivities,
    workers: workers.map((worker) => ({ worker, ended: worker.run() })),
  };
}
