import { utimes, writeFile } from 'node:fs/promises';
import type { Logger } from 'pino';
import { systemdNotifier } from '../installation/systemd-notify.ts';

const everyMs = 5_000;

/** Touches the worker's file for as long as it works, so that `mvc status` and systemd can tell. */
export function showAlive(file: string, works: () => boolean, log: Logger): () => void {
  const notify = systemdNotifier((message) => log.warn(message));
  const touch = async () => {
    if (!works()) return;
    notify();
    const now = new Date();
    try {
      await utimes(file, now, now);
    } catch {
      await writeFile(file, '');
    }
  };
  const report = (error: unknown) => log.warn({ error: String(error) }, `cannot touch ${file}`);
  const timer = setInterval(() => void touch().catch(report), everyMs);
  void touch().catch(report);
  return () => clearInterval(timer);
}
