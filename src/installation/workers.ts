import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { missingAsUndefined } from './files.ts';
import { programRoot, type Home } from './home.ts';
import type { Service } from './service.ts';
import type { ServiceName } from './services-state.ts';

export const workerNames = ['control-worker', 'site-worker'] as const satisfies ServiceName[];
type WorkerName = (typeof workerNames)[number];

/** A worker that has not touched its file for this long does not work. */
const silentAfterMs = 15_000;

/** The file that a worker touches every few seconds, as long as it does its work. */
export function aliveFile(home: Home, worker: WorkerName): string {
  return join(home.run, `${worker}.alive`);
}

/**
 * @param startedAt of the process, ms since 1970; what was before it is no sign of its life.
 * @throws saying why the worker is not healthy.
 */
export async function checkAlive(home: Home, worker: WorkerName, startedAt = 0): Promise<void> {
  const file = await stat(aliveFile(home, worker)).catch(missingAsUndefined);
  if (!file || file.mtimeMs < startedAt) throw new Error('has not begun to work yet');
  const silentMs = Date.now() - file.mtimeMs;
  if (silentMs > silentAfterMs) {
    throw new Error(`gave no sign of life for ${Math.round(silentMs / 1000)} s`);
  }
}

function workerProgram(worker: WorkerName): string {
  return join(programRoot, 'src', 'workers', `${worker}.ts`);
}

export function workerService(options: {
  home: Home;
  name: WorkerName;
  needs: ServiceName[];
  env: NodeJS.ProcessEnv;
}): Service {
  const { home, name, needs, env } = options;
  return {
    name,
    title: name === 'control-worker' ? 'control worker' : 'site worker',
    needs,
    prepare: () => Promise.resolve({ argv: [process.execPath, workerProgram(name)], env }),
    checkHealth: (startedAt) => checkAlive(home, name, startedAt),
    stopSignal: 'SIGTERM',
    stopWithinMs: 40_000,
    hungAfterMs: 90_000,
  };
}
