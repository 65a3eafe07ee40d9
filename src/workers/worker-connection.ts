import { hostname } from 'node:os';
import { NativeConnection } from '@temporalio/worker';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TemporalSettings } from '../installation/engine-settings.ts';
import { explainEngineTrouble } from '../installation/engine-trouble.ts';

const connectEveryMs = 2_000;

/**
 * Connects to the engine; a worker that starts before it waits for it. What stands in the way is
 * told when it changes, not with every attempt.
 */
export async function connectToEngine(
  temporal: TemporalSettings,
  log: Logger,
): Promise<NativeConnection> {
  let told = '';
  for (;;) {
    try {
      return await NativeConnection.connect(temporal.connection);
    } catch (error) {
      const { message, help } = await explainEngineTrouble(temporal);
      if (message !== told) {
        const engine = error instanceof Error ? error.message : String(error);
        log.warn({ error: engine, help }, `no workflow engine yet: ${message}`);
      }
      told = message;
      await sleep(connectEveryMs);
    }
  }
}

/** `<queue>@<host>:<pid>`, as the engine's UI shows it. */
export function workerIdentity(queue: string): string {
  return `${queue}@${hostname()}:${process.pid}`;
}
