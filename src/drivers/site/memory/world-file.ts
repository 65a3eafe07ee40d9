import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../../../domain/failure.ts';
import { emptyWorld, type WorldEvent, type WorldState } from './world-state.ts';

/** Where a world is kept between changes. */
export interface WorldStore {
  /** Reads, changes and writes as one. */
  change<T>(action: (state: WorldState, tell: (event: WorldEvent) => void) => T): T;
  events(): WorldEvent[];
}

const lockWaitMs = 5_000;

/** A world that ends with its process. */
export function createVolatileStore(): WorldStore {
  const state = emptyWorld();
  const events: WorldEvent[] = [];
  return {
    change: (action) => action(state, (event) => events.push(event)),
    events: () => [...events],
  };
}

/** A world in a JSON file that several processes may share; its events are beside it, a line each. */
export function createFileStore(file: string): WorldStore {
  const eventFile = `${file}.events`;
  mkdirSync(dirname(file), { recursive: true });
  return {
    change(action) {
      return withFileLock(`${file}.lock`, () => {
        const before = existsSync(file) ? readFileSync(file, 'utf8') : '';
        const state = {
          ...emptyWorld(),
          ...(before === '' ? {} : (JSON.parse(before) as WorldState)),
        };
        const told: WorldEvent[] = [];
        const result = action(state, (event) => told.push(event));
        const after = JSON.stringify(state);
        if (after !== before) {
          writeFileSync(`${file}.new`, after);
          renameSync(`${file}.new`, file);
        }
        if (told.length > 0) {
          appendFileSync(eventFile, told.map((event) => `${JSON.stringify(event)}\n`).join(''));
        }
        return result;
      });
    },
    events() {
      if (!existsSync(eventFile)) return [];
      const lines = readFileSync(eventFile, 'utf8').split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as WorldEvent);
    },
  };
}

/** Changes are short and synchronous, so waiting for the lock may block. */
function withFileLock<T>(lock: string, action: () => T): T {
  const deadline = Date.now() + lockWaitMs;
  while (!takeLock(lock)) {
    if (Date.now() > deadline) throw new Failure('Busy', `${lock} is held by another process`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  try {
    return action();
  } finally {
    rmSync(lock, { force: true });
  }
}

function takeLock(lock: string): boolean {
  // Linked into place, so that a lock never lacks its holder's number.
  const mine = `${lock}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    removeDeadLock(lock);
    return false;
  } finally {
    rmSync(mine, { force: true });
  }
}

/** A process that was killed leaves its lock behind. */
function removeDeadLock(lock: string): void {
  try {
    const holder = Number(readFileSync(lock, 'utf8'));
    process.kill(holder, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') rmSync(lock, { force: true });
    else if (code !== 'ENOENT' && code !== 'EPERM') throw error;
  }
}
