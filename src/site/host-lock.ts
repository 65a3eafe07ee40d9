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
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  holder.stdin.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    holder.once('error', (error) =>
      reject(new Failure('MissingTool', `flock could not be started: ${error.message}`)),
    );
    holder.once('exit', () => reject(busy(waitSeconds)));
    holder.stdout.once('data', () => resolve());
  });
  try {
    return await action();
  } finally {
    holder.stdin.end();
  }
}

function busy(waitSeconds: number): Failure {
  return new Failure('Busy', `another operation has held this host for ${waitSeconds} seconds`);
}
