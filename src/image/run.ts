import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Failure } from '../domain/failure.ts';

const keptLines = 15;

export interface RunOptions {
  signal?: AbortSignal;
  env?: Record<string, string>;
  /** Called with each line that the program writes. */
  onLine?: (line: string) => void;
}

/**
 * Runs a program of the build to its end. It ends with this process or this signal, whatever happens.
 *
 * @throws {Failure} MissingTool; CommandFailed with the last lines it wrote. The reason of an abort.
 */
export async function run(
  argv: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<void> {
  options.signal?.throwIfAborted();
  const [program, ...args] = argv;
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C', ...options.env },
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > keptLines) lines.shift();
      options.onLine?.(line);
    });
  }
  const stop = () => child.kill('SIGKILL');
  options.signal?.addEventListener('abort', stop, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    options.signal?.throwIfAborted();
    if (code === 0) return;
    throw new Failure('CommandFailed', `${program} ended with ${code}: ${lines.join('\n')}`);
  } finally {
    options.signal?.removeEventListener('abort', stop);
  }
}
