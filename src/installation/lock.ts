import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../domain/failure.ts';

/** Gives the lock back. */
export type Release = () => void;

/**
 * A lock among the processes of this machine: an abstract socket, which the kernel frees whatever
 * becomes of its holder.
 *
 * @returns undefined if somebody else holds it.
 */
export async function tryLock(name: string): Promise<Release | undefined> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(`\0${name}`, () => resolve(() => server.close()));
  });
}

/** @throws {Failure} Busy if it is not free within the time. */
export async function waitForLock(name: string, withinMs: number): Promise<Release> {
  for (const end = Date.now() + withinMs; Date.now() < end;) {
    const release = await tryLock(name);
    if (release) return release;
    await sleep(50);
  }
  throw new Failure('Busy', 'another `mvc up` is at work', { help: 'wait for it to end' });
}
