import { Failure } from '../domain/failure.ts';
import { createLocalShell } from '../transport/local-shell.ts';

const shell = createLocalShell({
  env: {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    LC_ALL: 'C',
  },
});

/** Runs a program of this machine that must succeed; returns what it printed. @throws {Failure} CommandFailed. */
export async function run(
  argv: readonly [string, ...string[]],
  options: { stdin?: string; timeoutMs?: number } = {},
): Promise<string> {
  const result = await shell.run(argv, options);
  if (result.exitCode === 0) return result.stdout;
  const said = (result.stderr || result.stdout).trim().slice(-800);
  throw new Failure('CommandFailed', `${argv.join(' ')} ended with ${result.exitCode}: ${said}`);
}

export async function succeeds(argv: readonly [string, ...string[]]): Promise<boolean> {
  return (await shell.run(argv)).exitCode === 0;
}
