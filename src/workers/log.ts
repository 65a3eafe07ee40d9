import { pino, type Logger } from 'pino';

/**
 * JSON lines on stdout, written synchronously: asynchronous destinations lose lines when the process
 * is killed, and those are the ones that are wanted then.
 */
export function createLog(worker: string): Logger {
  return pino(
    { base: { worker, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 1, sync: true }),
  );
}
