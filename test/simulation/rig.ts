import { createControlActivities } from '../../src/activities/control/control.ts';
import type { ControlDependencies } from '../../src/activities/control/dependencies.ts';
import type { SiteDrivers } from '../../src/activities/site/drivers.ts';
import { createAllSiteActivities } from '../../src/activities/site/site-activities.ts';
import { controlQueue } from '../../src/domain/engine-names.ts';
import type { MemorySite, Site } from '../../src/domain/site.ts';
import { createMemoryOverlayDriver } from '../../src/drivers/overlay/memory/driver.ts';
import { createMemorySiteDriver } from '../../src/drivers/site/memory/driver.ts';
import type { WorldCall } from '../../src/drivers/site/memory/memory-world.ts';
import type { WorldEvent } from '../../src/drivers/site/memory/world-state.ts';
import * as workflows from '../../src/workflows/index.ts';
import { Checker } from './checker.ts';
import { Client } from './client.ts';
import { Clock, setClock } from './engine/clock.ts';
import { createRandom, type Random } from './engine/random.ts';
import { setSeeded } from './engine/seeded.ts';
import { digestOf, Server, type Activities } from './engine/server.ts';
import { storeWeather, type FaultSource } from './faults.ts';
import { asDatabase, createDatabase, type Tables } from './store/tables.ts';
import { phaseWatcher } from './phases.ts';
import { watchWorld, type WatchedWorld } from './world.ts';

export const installation = '11111111-1111-4111-8111-111111111111';

export interface RigOptions {
  seed: number;
  sites: MemorySite[];
  bootDelayMs: number;
  faults: (random: Random) => FaultSource;
  onCall?: (call: WorldCall, events: WorldEvent[]) => void;
}

/** One installation with its sites, in virtual time: what one seed works with. */
export interface Rig {
  random: Random;
  clock: Clock;
  server: Server;
  client: Client;
  world: WatchedWorld;
  tables: Tables;
  checker: Checker;
  drivers: SiteDrivers;
  lines: string[];
  /** Called after each write to the store. */
  written: (() => void)[];
  log: (line: string) => void;
  digest(): string;
}

const eventsAtMost = 400_000;

export function createRig(options: RigOptions): Rig {
  const random = createRandom(options.seed);
  const clock = new Clock(random.fork('ties'));
  setClock(clock);
  setSeeded(random.fork('product'));
  const lines: string[] = [];
  const log = (line: string) => {
    lines.push(`${(clock.elapsedMs / 1000).toFixed(3).padStart(10)} ${line}`);
  };
  const faults = options.faults(random.fork('faults'));
  const checker = new Checker(installation, options.sites, (violation) =>
    log(`VIOLATION ${violation}`),
  );
  const { bootDelayMs, onCall } = options;
  const world = watchWorld({ bootDelayMs, faults, checker, log, ...(onCall ? { onCall } : {}) });
  const watchPhases = phaseWatcher(checker, log);
  const written: (() => void)[] = [() => watchPhases(database.tables, world.state)];
  const tellWritten = () => written.forEach((listener) => listener());
  const database = createDatabase(storeWeather(faults, log, tellWritten));
  const drivers = memoryDrivers(world);
  const control = createControlActivities({
    db: asDatabase(database),
    installation,
    userKey: 'ssh-ed25519 AAAA user',
    vault: {} as ControlDependencies['vault'],
    buildImage: () => Promise.reject(new Error('memory sites have no image')),
    schedules: { ensure: async () => undefined, remove: async () => undefined },
  }) as unknown as Activities;
  const atSites = createAllSiteActivities(drivers) as unknown as Activities;
  const server = new Server({
    clock,
    random: random.fork('server'),
    plan: faults,
    workflows,
    activities: (queue) => (queue === controlQueue ? control : atSites),
    log,
    problem: (sentence) => checker.fail(sentence),
  });
  return {
    random: random.fork('seed'),
    clock,
    server,
    client: new Client(server, clock),
    world,
    tables: database.tables,
    checker,
    drivers,
    lines,
    written,
    log,
    digest: () => digestOf(lines),
  };
}

/** Goes on until the script has ended. A script that waits for what never comes is a violation. */
export async function play(rig: Rig, script: Promise<void>): Promise<void> {
  const { clock, checker, server } = rig;
  const end = { reached: false };
  const done = script
    .catch((error: unknown) => {
      checker.fail(`the script failed: ${(error as Error).stack ?? String(error)}`);
    })
    .finally(() => {
      end.reached = true;
    });
  for (let events = 0; !end.reached; events += 1) {
    if (events > eventsAtMost) {
      checker.fail(`no end after ${eventsAtMost} events`);
      return;
    }
    if (await clock.step()) continue;
    checker.fail(`nothing goes on, and ${server.openIds.join(', ') || 'the script'} waits`);
    return;
  }
  await done;
}

function memoryDrivers({ world }: WatchedWorld): SiteDrivers {
  const memory = (site: Site) => {
    if (site.kind === 'memory') return site;
    throw new Error(`${site.name} is no memory site`);
  };
  return {
    site: (site) => createMemorySiteDriver(memory(site), world),
    overlay: (site) => createMemoryOverlayDriver(memory(site), world),
  };
}
