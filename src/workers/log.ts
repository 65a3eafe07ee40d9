import { AsyncLocalStorage } from 'node:async_hooks';
import { pino, type DestinationStream, type Logger } from 'pino';
import { withoutSecrets, withoutSecretTexts } from './redact.ts';

/** When that which is being logged was said, if that was not just now. */
const moment = new AsyncLocalStorage<Date>();

/** Logs what was said before: its line has the time of then. */
export function loggedAt(time: Date, write: () => void): void {
  moment.run(time, write);
}

/**
 * JSON lines on stdout, written synchronously: asynchronous destinations lose lines when the process
 * is killed, and those are the ones that are wanted then. Secrets are taken out by the names of their
 * fields at any depth, not by paths, which reach one level each; and messages by what keys look like.
 */
export function createLog(
  worker: string,
  destination: DestinationStream = pino.destination({ dest: 1, sync: true }),
): Logger {
  return pino(
    {
      base: { worker, pid: process.pid },
      timestamp: () => `,"time":"${(moment.getStore() ?? new Date()).toISOString()}"`,
      formatters: {
        level: (level) => ({ level }),
        log: (fields) => withoutSecrets(fields) as Record<string, unknown>,
      },
      hooks: {
        logMethod(args, method) {
          const told = args.map((each: unknown) =>
            typeof each === 'string' ? withoutSecretTexts(each) : each,
          );
          method.apply(this, told as typeof args);
        },
      },
    },
    destination,
  );
}
