import { Failure } from '../domain/failure.ts';
import { atHost } from './at-host.ts';
import { createLocalShell } from './local-shell.ts';
import type { SiteDoor } from './site-door.ts';
import { decodeAnswer, encodeRequest } from './site-wire.ts';

/**
 * The door of a worker that stands at the host itself: runs `mvc-site` here, without ssh.
 *
 * @param program how it is started, e.g. `['sudo', '-n', '/usr/local/bin/mvc-site']`.
 */
export function createLocalDoor(program: readonly [string, ...string[]]): SiteDoor {
  const shell = createLocalShell();
  return {
    async call(host, verb, input, options = {}) {
      const where = `host ${host}`;
      const running = shell.run(program, {
        stdin: encodeRequest(verb, input, options),
        timeoutMs: options.timeoutMs ?? 20_000,
        ...(options.signal ? { signal: options.signal } : {}),
      });
      const { exitCode, stdout, stderr } = await atHost(host, running);
      if (exitCode === 0) return decodeAnswer(verb, stdout, { where, host });
      const said = stderr.trim().slice(-500);
      throw new Failure('CommandFailed', `mvc-site on ${where} ended with ${exitCode}: ${said}`, {
        host,
      });
    },
  };
}
