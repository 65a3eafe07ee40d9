import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const run = promisify(execFile);
const program = join(import.meta.dirname, 'run.ts');
const limitMs = 180_000;

/** The last lines of what the runner prints; it fails if anything was violated. */
async function simulate(...options: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [program, ...options], {
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: { stdout?: string; message: string }) => {
    throw new Error(`${error.message}\n${(error.stdout ?? '').slice(-6000)}`);
  });
  return stdout.trimEnd().split('\n').slice(-40).join('\n');
}

describe('the orchestration in virtual time', { timeout: limitMs }, () => {
  test('keeps what it promises under the faults of 150 seeds, and ends right without them', async () => {
    expect(await simulate('--seeds', '150')).toContain('150 seeds');
  });

  test('plays a seed the same way each time', async () => {
    expect(await simulate('--seeds', '10', '--verify-determinism')).toContain('0 failing');
  });

  test('ends right whichever call of an operation fails, runs twice or loses its worker', async () => {
    expect(await simulate('--matrix', '--every', '9')).toContain(' 0 failing');
  });

  test('is noticed to be wrong when a bug is planted', async () => {
    const report = await simulate('--mutations', '--find-within', '400');
    expect(report).toMatch(/(\d+) of \1 planted bugs were found/);
  });
});
