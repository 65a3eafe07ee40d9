import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalShell } from '../../src/transport/local-shell.ts';
import type { RunOptions } from '../../src/transport/shell.ts';
import { places, type Place } from './places.ts';
import { prefix, removeRemains } from './remains.ts';

type Argv = readonly [string, ...string[]];

/** A program that runs until the ground is removed. */
export interface Started {
  pid: number;
  /** The last that it has written, to either stream. */
  output(): string;
}

/** Namespaces, the programs in them and a directory: all that a measurement makes, and removes. */
export interface Ground {
  /** Unlike that of any other run that is going on. */
  id: string;
  directory: string;
  namespace(place: Place): string;
  /** Runs a program to its end; returns what it printed. @throws {Error} if it fails. */
  run(place: Place, argv: Argv, options?: RunOptions): Promise<string>;
  /** Commands for `ip`, one a line. */
  ip(place: Place, commands: string): Promise<void>;
  sysctl(place: Place, settings: Record<string, number | string>): Promise<void>;
  /** Starts a program; it is ended when the ground is removed, by its process id. */
  start(place: Place, argv: Argv, env?: Record<string, string>): Started;
  remove(): Promise<void>;
}

/**
 * Puts what runs before all else on the machine: in its session's group, where the kernel weighs
 * sessions against each other, and in itself.
 */
const goFirst = `echo -15 2>/dev/null >/proc/$$/autogroup; exec nice -n -15 "$@"`;

/** @param options.first lets all that runs in it go before whatever else the machine does. */
export async function createGround(options: {
  signal: AbortSignal;
  first: boolean;
}): Promise<Ground> {
  const { signal, first } = options;
  await removeRemains();
  const shell = createLocalShell();
  const id = String(process.pid);
  const directory = await mkdtemp(join(tmpdir(), `${prefix}-${id}-`));
  const children: ChildProcess[] = [];
  const namespace = (place: Place) => `${prefix}-${id}-${place}`;
  const inside = (place: Place, argv: Argv): [string, ...string[]] => [
    ...(['ip', 'netns', 'exec', namespace(place)] as const),
    ...(first ? ['sh', '-c', goFirst, 'sh'] : []),
    ...argv,
  ];

  async function check(argv: Argv, options: RunOptions = {}): Promise<string> {
    const { exitCode, stdout, stderr } = await shell.run(argv, { signal, ...options });
    if (exitCode === 0) return stdout;
    const said = (stderr.trim() || stdout).slice(-800);
    throw new Error(`${argv.join(' ')} ended with ${exitCode}: ${said}`);
  }

  const ground: Ground = {
    id,
    directory,
    namespace,
    run: (place, argv, options) => check(inside(place, argv), options),

    async ip(place, commands) {
      await check(['ip', '-n', namespace(place), '-batch', '-'], { stdin: commands });
    },

    async sysctl(place, settings) {
      const pairs = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
      await ground.run(place, ['sysctl', '-qw', ...pairs]);
    },

    start(place, argv, env = {}) {
      const [program, ...args] = inside(place, argv);
      const child = spawn(program, args, {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        // Ctrl-C is for this program, which then ends them in order.
        detached: true,
      });
      children.push(child);
      let output = '';
      const note = (text: unknown) => (output = (output + String(text)).slice(-20_000));
      child.stdout.on('data', note);
      child.stderr.on('data', note);
      child.on('error', note);
      return { pid: child.pid ?? 0, output: () => output };
    },

    async remove() {
      await Promise.all(children.map(end));
      for (const place of places) await shell.run(['ip', 'netns', 'del', namespace(place)]);
      await rm(directory, { recursive: true, force: true });
    },
  };

  try {
    for (const place of places) await check(['ip', 'netns', 'add', namespace(place)]);
    for (const place of places) await ground.ip(place, 'link set lo up');
  } catch (error) {
    await ground.remove();
    throw error;
  }
  return ground;
}

/** Waits until something is so. @throws {Error} after the time. */
export async function until(
  what: string,
  isSo: () => Promise<boolean> | boolean,
  seconds = 20,
): Promise<void> {
  for (const deadline = Date.now() + seconds * 1000; Date.now() < deadline;) {
    if (await isSo()) return;
    await sleep(100);
  }
  throw new Error(`${what}: not within ${seconds} s`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const soon = sleep(3000, 'late', { ref: false });
  if ((await Promise.race([ended, soon])) === 'late') child.kill('SIGKILL');
  await ended;
}
