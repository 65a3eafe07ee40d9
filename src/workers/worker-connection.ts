import { hostname } from 'node:os';
import { NativeConnection } from '@temporalio/worker';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ConnectionSettings } from '../installation/settings.ts';

const connectEveryMs = 2_000;

/** Connects to the engine; a worker that starts before it waits for it. */
export async function connectToEngine(
  temporal: ConnectionSettings['temporal'],
  log: Logger,
): Promise<NativeConnection> {
  for (;;) {
    try {
      return await NativeConnection.connect(temporal.connection);
    } catch (error) {
      log.warn(
        { error: error instanceof Error ? error.message : String(error) },
        'the workflow engine does not answer yet',
      );
      await sleep(connectEveryMs);
    }
  }
}

/** `<queue>@<host>:<pid>`, as the engine's UI shows it. */
export function workerIdentity(queue: string): string {
  return `${queue}@${hostname()}:${process.pid}`;
}
