import type { Operation } from '../../domain/mark.ts';
import type { CallOptions } from '../../transport/site-door.ts';
import type { Watch } from '../site/site-driver.ts';

/** How a driver asks a host: as part of an operation, until its activity is cancelled. */
export function callOptions(
  operation: Operation,
  watch: Watch | undefined,
  timeoutMs?: number,
): CallOptions {
  return {
    operation,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(watch?.signal ? { signal: watch.signal } : {}),
  };
}
