import { Failure } from '../../domain/failure.ts';
import type { Shell } from '../../transport/shell.ts';

/** Runs a program that must succeed; returns its output. @throws {Failure} CommandFailed. */
export async function runChecked(
  shell: Shell,
  argv: readonly [string, ...string[]],
  timeoutMs?: number,
  stdin?: string,
): Promise<string> {
  const result = await shell.run(argv, {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(stdin === undefined ? {} : { stdin }),
  });
  if (result.exitCode === 0) return result.stdout;
  const said = result.stderr.trim().slice(-500);
  throw new Failure('CommandFailed', `${argv.join(' ')} ended with ${result.exitCode}: ${said}`);
}
