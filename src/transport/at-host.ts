import { Failure } from '../domain/failure.ts';

/**
 * Lets a failure say at which of a site's hosts it happened. One that names a host already keeps it (the
 * way to a VM container leads through the physical frontend).
 *
 * @param error whatever was thrown; what is no failure of ours is returned as it is.
 */
export function namingHost(error: unknown, host: string): unknown {
  if (!(error instanceof Failure) || error.host !== undefined) return error;
  const { kind, message, help } = error;
  return new Failure(kind, message, {
    host,
    ...(help === undefined ? {} : { help }),
    cause: error.cause ?? error,
  });
}

/** Waits for what is done at one host; its failures name the host. */
export async function atHost<T>(host: string, action: Promise<T>): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw namingHost(error, host);
  }
}
