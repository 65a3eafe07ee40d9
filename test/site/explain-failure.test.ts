import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/domain/failure.ts';
import { explainFailure } from '../../src/site/explain-failure.ts';

const asked = { pool: tmpdir(), cluster: 'demo' };

async function fullDisk(): Promise<unknown> {
  return writeFile('/dev/full', 'x').then(
    () => expect.fail('there was room'),
    (error: unknown) => error,
  );
}

describe('a failure at a host', () => {
  it('is NoCapacity with figures when the disk is full, whoever found out', async () => {
    const inWords = new Failure('CommandFailed', 'mke2fs failed: No space left on device');
    const cause = await fullDisk();
    const wrapped = new Failure('CommandFailed', 'the seed was not written', { cause });
    for (const error of [cause, inWords, wrapped]) {
      const failure = await explainFailure(error, asked);
      expect(failure).toMatchObject({ kind: 'NoCapacity', retryable: false });
      expect(failure.message).toMatch(/^no space is left on the disk of \S+ \(\d+ of \d+ MiB free/);
      expect(failure.help).toBe(
        `free space in the pool ${asked.pool} at that host, then \`mvc resume demo\``,
      );
    }
  });

  it('stays what it is when it knows better', async () => {
    const figures = new Failure('NoCapacity', 'the pool has 1 of 2 MiB free', { help: 'wait' });
    expect(await explainFailure(figures, asked)).toBe(figures);
    const other = new Failure('CommandFailed', 'it broke');
    expect(await explainFailure(other, asked)).toBe(other);
  });

  it('says how a missing program is installed', async () => {
    const missing = new Failure('MissingTool', 'the program sv is not installed');
    const failure = await explainFailure(missing, asked);
    expect(failure.kind).toBe('MissingTool');
    expect(failure.help).toContain('mvc site prepare');
  });
});
