import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Failure } from '../domain/failure.ts';

/**
 * Does something while holding a lock on a file, waiting for it if another process has it. The lock
 * goes with this process, however it ends: `flock` holds it for as long as our end of a pipe is open.
 *
 * @param onWait called once if the lock is not free.
 */
export async function withLock<T>(
  path: string,
  options: { signal?: AbortSignal; onWait?: () => void },
  work: () => Promise<T>,
): Promise<T> {
  options.signal?.throwIfAborted();
  const holder = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo locked; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const waiting = setTimeout(() => options.onWait?.(), 1000);
  const stop = () => holder.kill('SIGKILL');
  options.signal?.addEventListener('abort', stop, { once: true });
  const ended = once(holder, 'close');
  // It is waited for below; meanwhile an error must not count as unhandled.
  ended.catch(() => undefined);
  try {
    const locked = await Promise.race([once(holder.stdout, 'data'), ended.then(() => undefined)]);
    options.signal?.throwIfAborted();
    if (!locked) throw new Failure('CommandFailed', `${path} could not be locked`);
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    options.signal?.removeEventListener('abort', stop);
    holder.stdin.end();
    await ended;
  }
}
