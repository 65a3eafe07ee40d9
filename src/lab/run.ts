import { Failure } from '../domain/failure.ts';
import { createLocalShell } from '../transport/local-shell.ts';
import { markOf } from './processes.ts';

/**
 * Runs a program of this machine that must succeed; returns what it printed. It carries the lab's mark, so that
 * it goes with the lab if we end before it.
 *
 * @throws {Failure} CommandFailed.
 */
export async function run(
  id: string,
  argv: readonly [string, ...string[]],
  options: { stdin?: string; timeoutMs?: number } = {},
): Promise<string> {
  const result = await shellOf(id).run(argv, options);
  if (result.exitCode === 0) return result.stdout;
  const said = (result.stderr || result.stdout).trim().slice(-800);
  throw new Failure('CommandFailed', `${argv.join(' ')} ended with ${result.exitCode}: ${said}`);
}

export async function succeeds(id: string, argv: readonly [string, ...string[]]): Promise<boolean> {
  return (await shellOf(id).run(argv)).exitCode === 0;
}

function shellOf(id: string) {
  return createLocalShell({ env: markOf(id, 'command') });
}
