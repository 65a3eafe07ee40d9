import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failure.ts';
import { ensureHome, installationId, type Home } from './home.ts';
import { waitForLock } from './lock.ts';
import { lastLines } from './log-file.ts';
import { choosePorts } from './ports.ts';
import { identify, isAlive, type ProcessId } from './process-id.ts';
import { ownServers, serviceEnvironment, supervisorLog, supervisorProgram } from './services.ts';
import {
  readLiveState,
  readServicesState,
  type Ports,
  type ServiceRecord,
  type ServicesState,
} from './services-state.ts';
import { findTemporal } from './temporal.ts';

/** Tells what happens, one sentence at a time. */
export type Progress = (message: string) => void;

/** How many more starts of a service must come to nothing before `up` gives up waiting. */
const patience = 4;

/**
 * Starts the services in the background, or finds them running, and waits until all are healthy.
 *
 * @throws {Failure} Conflict if a port that was asked for is taken; Timeout or CommandFailed, with
 * the service's own words, if one does not come up. The supervisor keeps trying all the same.
 */
export async function servicesUp(
  home: Home,
  options: { ports?: Partial<Ports>; onProgress: Progress; withinMs?: number },
): Promise<ServicesState> {
  await ensureHome(home);
  const asked = options.ports ?? {};
  const supervisor = await ensureSupervisor(home, asked, options.onProgress);
  return await waitUntilHealthy(home, supervisor, options.onProgress, options.withinMs ?? 120_000);
}

/** One at a time: a second `up` must not choose other ports for the same services. */
async function ensureSupervisor(
  home: Home,
  asked: Partial<Ports>,
  progress: Progress,
): Promise<ProcessId> {
  const release = await waitForLock(`mvc-up-${await installationId(home)}`, 30_000);
  try {
    const running = await readLiveState(home);
    if (running) {
      requireSamePorts(running.ports, asked);
      requireSameServers(running);
      return running.supervisor;
    }
    const supervisor = await startSupervisor(home, asked, progress);
    while (!(await readLiveState(home))) {
      if (!(await isAlive(supervisor))) await supervisorDied(home);
      await sleep(50);
    }
    return supervisor;
  } finally {
    release();
  }
}

function requireSamePorts(used: Ports, asked: Partial<Ports>): void {
  for (const name of ['temporal', 'ui', 'postgres'] as const) {
    if (asked[name] === undefined || asked[name] === used[name]) continue;
    throw new Failure('Conflict', `the services already run, ${name} on port ${used[name]}`, {
      help: `run \`mvc down\` first, then \`mvc up --port-${name} ${asked[name]}\``,
    });
  }
}

/** Services that run go on with their servers, whatever the environment names by now. */
function requireSameServers(running: ServicesState): void {
  const wanted = ownServers(process.env);
  for (const name of ['postgres', 'temporal'] as const) {
    const isOwn = running.services.some((service) => service.name === name);
    if (isOwn === wanted.includes(name)) continue;
    const title = name === 'postgres' ? 'PostgreSQL' : 'Temporal';
    const which = isOwn ? `a ${title} of their own` : `the ${title} that the settings named then`;
    throw new Failure('Conflict', `the services already run with ${which}`, {
      help: 'run `mvc down` first, then `mvc up`; what is recorded does not move by itself',
    });
  }
}

async function startSupervisor(
  home: Home,
  asked: Partial<Ports>,
  progress: Progress,
): Promise<ProcessId> {
  if (ownServers(process.env).includes('temporal')) await findTemporal();
  const ports = await portsToUse(home, asked, progress);
  const installation = await installationId(home);
  const log = await open(await supervisorLog(home), 'a', 0o600);
  try {
    const child = spawn(process.execPath, [supervisorProgram, JSON.stringify(ports)], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: serviceEnvironment(home, installation, 'supervisor'),
    });
    child.unref();
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    const id = child.pid === undefined ? undefined : await identify(child.pid);
    return id ?? (await supervisorDied(home));
  } finally {
    await log.close();
  }
}

/** The ports of services that outlived their supervisor, so that the next one takes them over. */
async function portsToUse(home: Home, asked: Partial<Ports>, progress: Progress): Promise<Ports> {
  const previous = await readServicesState(home);
  const orphans = await Promise.all((previous?.services ?? []).map((one) => isAlive(one.process)));
  if (!previous || !orphans.includes(true)) return await choosePorts(home, asked);
  requireSamePorts(previous.ports, asked);
  progress('the supervisor had died; taking over the services it left');
  return previous.ports;
}

async function waitUntilHealthy(
  home: Home,
  supervisor: ProcessId,
  progress: Progress,
  withinMs: number,
): Promise<ServicesState> {
  const begin = Date.now();
  const told = new Map<string, string>();
  const failuresBefore = new Map(
    (await readLiveState(home))?.services.map((one) => [one.name, one.failures]),
  );
  for (;;) {
    const state = await readLiveState(home);
    if (state) {
      tellChanges(state.services, told, progress, Date.now() - begin);
      if (await areHealthy(state)) return state;
      failIfHopeless(state.services, failuresBefore);
    } else if (!(await isAlive(supervisor))) {
      await supervisorDied(home);
    }
    if (Date.now() - begin > withinMs) throw tooLate(state, withinMs);
    await sleep(100);
  }
}

async function areHealthy(state: ServicesState): Promise<boolean> {
  const alive = await Promise.all(state.services.map((one) => isAlive(one.process)));
  return state.services.every((one, index) => one.state === 'running' && alive[index]);
}

function tellChanges(
  services: ServiceRecord[],
  told: Map<string, string>,
  progress: Progress,
  elapsedMs: number,
): void {
  for (const one of services) {
    const news = one.state === 'failed' ? `failed: ${one.lastError}` : one.state;
    if (told.get(one.name) === news) continue;
    told.set(one.name, news);
    if (one.state === 'waiting') continue;
    const where = one.port === undefined ? '' : ` on port ${one.port}`;
    progress(`${(elapsedMs / 1000).toFixed(1).padStart(5)} s  ${one.name}${where}: ${news}`);
  }
}

function failIfHopeless(services: ServiceRecord[], failuresBefore: Map<string, number>): void {
  const hopeless = services.find((one) => {
    const before = failuresBefore.get(one.name) ?? 0;
    return one.state === 'failed' && one.failures >= before + patience;
  });
  if (!hopeless) return;
  throw new Failure('CommandFailed', `${hopeless.name} does not start: ${hopeless.lastError}`, {
    help: `its log is ${hopeless.logFile}; it is tried again in the background until \`mvc down\``,
  });
}

function tooLate(state: ServicesState | undefined, withinMs: number): Failure {
  const late = (state?.services ?? []).filter((one) => one.state !== 'running');
  const words = late.map((one) => `${one.name} (${one.lastError ?? one.state})`).join(', ');
  return new Failure('Timeout', `not healthy after ${withinMs / 1000} s: ${words}`, {
    help: 'see `mvc status` and the logs it names',
  });
}

async function supervisorDied(home: Home): Promise<never> {
  const path = await supervisorLog(home);
  const words = (await lastLines(path, 5)).join('\n  ');
  throw new Failure('CommandFailed', `the supervisor ended at once:\n  ${words}`, {
    help: `its log is ${path}`,
  });
}
