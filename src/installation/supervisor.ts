import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { installationId, mvcHome, type Home } from './home.ts';
import { tryLock } from './lock.ts';
import { ManagedService } from './managed-service.ts';
import { endProcess, findMarked, identify, isAlive, type ProcessId } from './process-id.ts';
import { installationServices, logFile } from './services.ts';
import {
  portsSchema,
  readServicesState,
  writeServicesState,
  type Ports,
  type ServicesState,
} from './services-state.ts';

/**
 * The background process of `mvc up`: starts the services, starts again what dies, writes down what
 * runs. Its only argument is the ports as JSON. SIGTERM stops the services and then itself; after
 * a SIGKILL the services go on, and the next supervisor takes them over.
 */
async function supervise(home: Home, ports: Ports): Promise<void> {
  const installation = await installationId(home);
  const release = await tryLock(`mvc-supervisor-${installation}`);
  if (!release) return;
  const previous = await readServicesState(home);
  const services = installationServices({ home, installation, ports });
  const managed = services.map(
    (service) => new ManagedService(service, logFile(home, service.name)),
  );
  await takeOver(installation, managed, previous, ports);

  const self = await requireSelf();
  const startedAt = Date.now();
  const record = (): ServicesState => ({
    installation,
    supervisor: self,
    startedAt,
    ports,
    services: managed.map((service) => service.record()),
  });
  const stop = stopSignal();
  await Promise.all([keepRunning(managed, stop), keepRecorded(home, record, stop)]);
  await stopAll(managed, () => writeServicesState(home, record()));
  await rm(home.servicesFile, { force: true });
  release();
}

async function requireSelf(): Promise<ProcessId> {
  const self = await identify(process.pid);
  if (!self) throw new Error('cannot read /proc about this very process');
  return self;
}

/** Keeps what an earlier supervisor left running on the same ports, and ends what it lost. */
async function takeOver(
  installation: string,
  managed: ManagedService[],
  previous: ServicesState | undefined,
  ports: Ports,
): Promise<void> {
  const samePorts = JSON.stringify(previous?.ports) === JSON.stringify(ports);
  const adopted = new Set<number>();
  for (const one of managed) {
    const record = previous?.services.find(({ name }) => name === one.service.name);
    if (!samePorts || !record?.process || !(await isAlive(record.process))) continue;
    one.adopt(record);
    adopted.add(record.process.pid);
    log(`took over ${one.service.title}, process ${record.process.pid}`);
  }
  for (const { service, process: lost } of await findMarked(installation)) {
    const owner = managed.find((one) => one.service.name === service);
    const helper = owner?.record().process !== undefined;
    if (adopted.has(lost.pid) || helper) continue;
    log(`ending process ${lost.pid} (${service}) of before`);
    await endProcess(lost, { signal: 'SIGTERM', withinMs: 5_000 });
  }
}

function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => controller.abort());
  }
  process.on('SIGHUP', () => undefined);
  return controller.signal;
}

async function keepRunning(managed: ManagedService[], stop: AbortSignal): Promise<void> {
  await Promise.all(managed.map((one) => keepOneRunning(one, managed, stop)));
}

async function keepOneRunning(
  one: ManagedService,
  all: ManagedService[],
  stop: AbortSignal,
): Promise<void> {
  let previous = '';
  let logCheckedAt = 0;
  while (!stop.aborted) {
    const { needs } = one.service;
    const needsRun = all.every((other) => !needs.includes(other.service.name) || other.running);
    try {
      await one.advance(needsRun);
      if (Date.now() - logCheckedAt > 60_000) {
        logCheckedAt = Date.now();
        await one.keepLogShort();
      }
    } catch (error) {
      log(`${one.service.title}: ${String(error)}`);
    }
    const { state, failures, lastError } = one.record();
    if (state !== previous) {
      log(
        `${one.service.title}: ${state}${state === 'failed' ? ` (${failures}): ${lastError}` : ''}`,
      );
    }
    previous = state;
    await pause(state === 'running' ? 300 : 100, stop);
  }
}

async function keepRecorded(
  home: Home,
  record: () => ServicesState,
  stop: AbortSignal,
): Promise<void> {
  let written = '';
  while (!stop.aborted) {
    const state = record();
    const text = JSON.stringify(state);
    if (text !== written) {
      await writeServicesState(home, state);
      written = text;
    }
    await pause(100, stop);
  }
}

async function stopAll(managed: ManagedService[], record: () => Promise<void>): Promise<void> {
  const isWorker = (one: ManagedService) => one.service.name.endsWith('-worker');
  const workers = managed.filter(isWorker);
  const others = managed.filter((one) => !isWorker(one)).toReversed();
  for (const group of [workers, ...others.map((one) => [one])]) {
    const stopping = Promise.all(group.map((one) => one.stop()));
    await record();
    await stopping;
    await record();
    for (const one of group) log(`${one.service.title}: stopped`);
  }
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  // Aborted means only that the pause is over.
  await sleep(ms, undefined, { signal: stop }).catch(() => undefined);
}

function log(message: string): void {
  process.stdout.write(`${new Date().toISOString()} ${message}\n`);
}

process.chdir('/');
await supervise(mvcHome(), portsSchema.parse(JSON.parse(process.argv[2] ?? '{}')));
