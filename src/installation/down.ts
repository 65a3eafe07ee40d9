import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { installationId, type Home } from './home.ts';
import { endProcess, findMarked, isAlive, signalProcess, type ProcessId } from './process-id.ts';
import { readServicesState, type ServiceName } from './services-state.ts';
import type { Progress } from './up.ts';

/**
 * Stops all services in order: workers, Temporal, PostgreSQL. Also what an earlier supervisor left
 * behind when it was killed. Does nothing if nothing runs.
 *
 * @returns whether anything was running.
 */
export async function servicesDown(
  home: Home,
  options: { onProgress: Progress },
): Promise<boolean> {
  const progress = options.onProgress;
  if (!existsSync(home.root)) return false;
  const state = await readServicesState(home);
  const supervised = state !== undefined && (await isAlive(state.supervisor));
  if (supervised) await stopSupervisor(home, state.supervisor, progress);
  const leftovers = await endLeftovers(home, progress);
  await rm(home.servicesFile, { force: true });
  return supervised || leftovers;
}

async function stopSupervisor(
  home: Home,
  supervisor: ProcessId,
  progress: Progress,
): Promise<void> {
  await signalProcess(supervisor, 'SIGTERM');
  const running = new Set((await readServicesState(home))?.services.map(({ name }) => name));
  const tell = (name: ServiceName): void => {
    if (running.delete(name)) progress(`${name}: stopped`);
  };
  const end = Date.now() + 90_000;
  while (await isAlive(supervisor)) {
    const state = await readServicesState(home);
    for (const one of state?.services ?? []) {
      if (one.state === 'stopped') tell(one.name);
    }
    if (Date.now() > end) await signalProcess(supervisor, 'SIGKILL');
    await sleep(50);
  }
  // The supervisor ends right after the last service, which it may not have written down any more.
  for (const name of running) tell(name);
}

/** Ends what is still marked as ours, the ones that use others first. */
async function endLeftovers(home: Home, progress: Progress): Promise<boolean> {
  const order = ['supervisor', 'site-worker', 'control-worker', 'temporal', 'postgres'];
  const left = await findMarked(await installationId(home));
  left.sort((a, b) => order.indexOf(a.service) - order.indexOf(b.service));
  for (const { service, process: lost } of left) {
    await endProcess(lost, {
      signal: service === 'postgres' ? 'SIGINT' : 'SIGTERM',
      withinMs: 15_000,
    });
    progress(`${service}: stopped process ${lost.pid}, which had lost its supervisor`);
  }
  return left.length > 0;
}
