import { execFile } from 'node:child_process';

/** At most so often; the units' WatchdogSec is several times as long. */
const everyMs = 20_000;

/**
 * Tells systemd, if that started this process, that it is ready and works. Node cannot write to the
 * kind of socket that systemd listens on, so its own program does.
 *
 * @returns what to call whenever there is a sign of life.
 */
export function systemdNotifier(
  tell: (message: string) => void,
  env: NodeJS.ProcessEnv = process.env,
): () => void {
  if (!env['NOTIFY_SOCKET']) return () => undefined;
  let toldAt = -Infinity;
  return () => {
    const now = performance.now();
    if (now - toldAt < everyMs) return;
    toldAt = now;
    execFile('systemd-notify', ['READY=1', 'WATCHDOG=1'], { env }, (error) => {
      if (error) tell(`systemd could not be told that this process works: ${error.message}`);
    });
  };
}
