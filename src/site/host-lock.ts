import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../domain/failure.ts';

/**
 * Runs the action while holding the lock of the file. The kernel's lock is held by a child that reads
 * our pipe: however we end, the pipe ends and the lock with it.
 *
 * @throws {Failure} Busy if another holds it longer than `waitSeconds`.
 */
export async function withLock<T>(
  file: string,
  waitSeconds: number,
  action: () => Promise<T>,
): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const holder = spawn('flock', ['-w', String(waitSeconds), file, 'sh', '-c', 'echo; exec cat'], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  holder.stdin.on('error', () => undefined);
  let said = '';
  holder.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    holder.once('error', (error) =>
      reject(new Failure('MissingTool', `flock could not be started: ${error.message}`)),
    );
    holder.once('close', (code) =>
      reject(code === timedOut ? busy(waitSeconds) : broken(said, code)),
    );
    holder.stdout.once('data', () => resolve());
  });
  try {
    return await action();
  } finally {
    holder.stdin.end();
  }
}

/** Exit status of `flock` whose time is over. Any other means that it could not do its work. */
const timedOut = 1;

function broken(said: string, code: number | null): Failure {
  const words = said.trim().slice(-500) || `status ${code}`;
  return new Failure('CommandFailed', `the lock of this host cannot be taken: ${words}`);
}

function busy(waitSeconds: number): Failure {
  return new Failure('Busy', `another operation has held this host for ${waitSeconds} seconds`);
}
