import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createLocalShell } from '../../src/transport/local-shell.ts';

const shell = createLocalShell();

it('gives a program its arguments and input as they are, and a non-zero exit as a result', async () => {
  const argv = ['sh', '-c', 'cat; printf %s "$1" >&2; exit 3', 'sh', '$(id); "x"'] as const;
  expect(await shell.run(argv, { stdin: 'in' })).toEqual({
    exitCode: 3,
    stdout: 'in',
    stderr: '$(id); "x"',
  });
});

it('names a program that is not there', async () => {
  await expect(shell.run(['no-such-program'])).rejects.toMatchObject({ kind: 'MissingTool' });
});

it('ends a program with its children when the time is over', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'mvc-shell-'));
  const file = join(directory, 'child');
  const run = shell.run(['sh', '-c', 'sleep 30 & echo $! > "$1"; wait', 'sh', file], {
    timeoutMs: 500,
  });
  await expect(run).rejects.toMatchObject({ kind: 'Timeout' });
  await sleep(100);
  const child = readFileSync(file, 'utf8').trim();
  rmSync(directory, { recursive: true });
  expect(isRunning(child)).toBe(false);
});

it('stops when it is told to, with the reason that was given', async () => {
  const stop = new AbortController();
  const run = shell.run(['sleep', '30'], { signal: stop.signal });
  const reason = new Error('no longer wanted');
  stop.abort(reason);
  await expect(run).rejects.toBe(reason);
});

it('does not wait for a background child that holds the pipes', async () => {
  const before = Date.now();
  const { stdout } = await shell.run(['sh', '-c', 'sleep 6 & echo done']);
  expect(stdout).toBe('done\n');
  expect(Date.now() - before).toBeLessThan(4000);
});

it('reads no more than it may', async () => {
  await expect(shell.run(['cat', '/dev/zero'])).rejects.toMatchObject({ kind: 'CommandFailed' });
});

/** A process that has ended but was not waited for does not run. */
function isRunning(pid: string): boolean {
  try {
    return !/State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
