import { clock } from './clock.ts';
import { currentAttempt, never } from './attempt.ts';
import { currentRandom } from './seeded.ts';

/** Stands for `node:timers/promises` in the product's code: sleeps in virtual time. */
export async function setTimeout<T>(
  delayMs: number,
  value?: T,
  options: { signal?: AbortSignal } = {},
): Promise<T | undefined> {
  const attempt = currentAttempt();
  const { signal } = options;
  signal?.throwIfAborted();
  // A timer promises no more than not to be early; looking less often makes runs shorter.
  const stretched = delayMs * (1 + 2 * currentRandom().next());
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      timer.cancel();
      reject(abortError(signal));
    };
    const timer = clock().after(stretched, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  if (attempt?.dead) await never;
  return value;
}

function abortError(signal: AbortSignal | undefined): Error {
  const error = new Error('The operation was aborted', { cause: signal?.reason });
  error.name = 'AbortError';
  return error;
}
