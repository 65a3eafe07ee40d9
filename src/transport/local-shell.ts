import { spawn, type ChildProcess } from 'node:child_process';
import { Failure } from '../domain/failure.ts';
import type { RunOptions, RunResult, Shell } from './shell.ts';

const defaultTimeoutMs = 30_000;
/** A background child may hold the pipes of a program that has ended; it is not waited for. */
const drainMs = 2000;
const maxStreamBytes = 4 * 1024 ** 2;

/**
 * Runs programs on this machine, without a shell in between. Each gets a process group of its own,
 * which is killed as a whole on time-out and abort.
 *
 * @param base environment of every program; by default that of this process.
 */
export function createLocalShell(base: { env?: Record<string, string> } = {}): Shell {
  return {
    run: (argv, options = {}) => runLocally(argv, options, base.env ?? inheritedEnvironment()),
  };
}

async function runLocally(
  argv: readonly [string, ...string[]],
  options: RunOptions,
  env: Record<string, string>,
): Promise<RunResult> {
  const [program, ...args] = argv;
  options.signal?.throwIfAborted();
  const child = spawn(program, args, {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...env, ...options.env },
  });
  const { promise, resolve, reject } = outcome();
  const stop = (failure: unknown) => {
    killGroup(child);
    reject(failure);
  };
  const tooMuch = () =>
    stop(new Failure('CommandFailed', `${program} wrote more than ${maxStreamBytes} bytes`));
  const stdout = collect(child.stdout, tooMuch);
  const stderr = collect(child.stderr, tooMuch);
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const timer = setTimeout(
    () => stop(new Failure('Timeout', `${program} did not end within ${timeoutMs} ms`)),
    timeoutMs,
  );
  const onAbort = () => stop(options.signal?.reason);
  options.signal?.addEventListener('abort', onAbort, { once: true });

  let drain: NodeJS.Timeout | undefined;
  const finish = () => {
    const { exitCode, signalCode } = child;
    if (exitCode !== null) resolve({ exitCode, stdout: stdout(), stderr: stderr() });
    else reject(new Failure('CommandFailed', `${program} was ended by ${signalCode}`));
  };
  child.on('error', (error: NodeJS.ErrnoException) => reject(spawnFailure(program, error)));
  child.on('exit', () => (drain = setTimeout(finish, drainMs)));
  child.on('close', finish);
  // A program may end without reading its input; its exit status tells whether that was an error.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearTimeout(drain);
    options.signal?.removeEventListener('abort', onAbort);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

/** Node 18, on which the program at the hosts may run, has no Promise.withResolvers. */
function outcome() {
  let resolve: (result: RunResult) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<RunResult>((onResult, onError) => {
    resolve = onResult;
    reject = onError;
  });
  return { promise, resolve, reject };
}

function inheritedEnvironment(): Record<string, string> {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => !!entry[1]));
}

function collect(stream: NodeJS.ReadableStream, tooMuch: () => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > maxStreamBytes) tooMuch();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString();
}

function spawnFailure(program: string, error: NodeJS.ErrnoException): Failure {
  if (error.code === 'ENOENT') {
    return new Failure('MissingTool', `the program ${program} is not installed`, { cause: error });
  }
  return new Failure('CommandFailed', `${program} could not be started: ${error.message}`, {
    cause: error,
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // The group has ended in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
