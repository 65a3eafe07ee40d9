import type { ClientChannel } from 'ssh2';
import { Failure } from '../domain/failure.ts';
import { maxAnswerBytes } from './site-wire.ts';

const maxErrorBytes = 8192;
/** A child of the program may hold the channel open after its end. */
const drainMs = 2000;

/**
 * Sends the request and reads the whole answer. Only an exit status of 0 is success: a channel that
 * is cut closes without one, and the program there may go on.
 */
export function collectAnswer(
  channel: ClientChannel,
  where: string,
  request: Buffer,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const stdout: Buffer[] = [];
    let size = 0;
    let said = '';
    let exit: { code: number | null; signal?: string } | undefined;
    let drain: NodeJS.Timeout | undefined;

    const settle = (settled: () => void) => {
      clearTimeout(drain);
      signal.removeEventListener('abort', onAbort);
      settled();
      channel.destroy();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    const finish = () =>
      settle(() => {
        if (exit?.code === 0) resolve(Buffer.concat(stdout).toString());
        else reject(exit ? exitFailure(where, exit, said) : cut(where));
      });

    signal.addEventListener('abort', onAbort, { once: true });
    channel.on('error', () => undefined);
    channel.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxAnswerBytes) stdout.push(chunk);
      else settle(() => reject(new Failure('Protocol', `${where} answers without end`)));
    });
    // Always read: what is not read fills the channel's window and stops the program.
    channel.stderr.on('error', () => undefined);
    channel.stderr.on('data', (chunk: Buffer) => {
      if (said.length < maxErrorBytes) said += chunk.toString();
    });
    channel.on('exit', (code: number | null, name?: string) => {
      exit = { code, ...(name ? { signal: name } : {}) };
      drain = setTimeout(finish, drainMs);
    });
    channel.on('close', finish);
    channel.end(request);
  });
}

function cut(where: string): Failure {
  return new Failure(
    'Unreachable',
    `the connection to ${where} was cut before the answer came; whether it was done is unknown`,
  );
}

function exitFailure(
  where: string,
  exit: { code: number | null; signal?: string },
  said: string,
): Failure {
  const text = said
    .replace(/[^\x20-\x7e\n]/g, '?')
    .trim()
    .slice(-500);
  const help = 'its administrator runs the script of `mvc site prepare` there (again)';
  if (/^sudo: /m.test(text)) {
    return new Failure('AccessDenied', `${where} does not let us run mvc-site: ${text}`, { help });
  }
  if (exit.code === 127 || exit.code === 126) {
    return new Failure('MissingTool', `${where} cannot run mvc-site: ${text}`, { help });
  }
  const how = exit.code === null ? `by ${exit.signal}` : `with status ${exit.code}`;
  return new Failure('CommandFailed', `mvc-site at ${where} ended ${how}: ${text}`);
}
