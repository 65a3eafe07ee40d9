import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findBuilt, recordBuilt } from '../../src/image/index-file.ts';
import { withLock } from '../../src/image/lock.ts';
import { run } from '../../src/image/run.ts';

const recipe = 'a'.repeat(64);
const digest = 'b'.repeat(64);
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-images-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('a built image', () => {
  const path = () => join(directory, `${digest}.img`);
  beforeEach(async () => {
    await writeFile(path(), 'whole');
    await recordBuilt(directory, recipe, { digest, size: 5, path: path() });
  });

  test('is found by its recipe', async () => {
    expect(await findBuilt(directory, recipe)).toEqual({ digest, size: 5, path: path() });
    expect(await findBuilt(directory, digest)).toBeUndefined();
  });

  test('is not found when its file is gone or cut short', async () => {
    await truncate(path(), 4);
    expect(await findBuilt(directory, recipe)).toBeUndefined();
    await rm(path());
    expect(await findBuilt(directory, recipe)).toBeUndefined();
  });

  test('is looked for in vain in an index that is none, with a sentence on what to do', async () => {
    await writeFile(join(directory, 'index.json'), '{"x": 1}');
    await expect(findBuilt(directory, recipe)).rejects.toMatchObject({ kind: 'BadInput' });
  });
});

describe('the lock on builds', () => {
  test('lets one in at a time', async () => {
    const lock = join(directory, 'lock');
    const seen: string[] = [];
    const enter = (name: string) =>
      withLock(lock, {}, async () => {
        seen.push(`${name} in`);
        await new Promise((resolve) => setTimeout(resolve, 100));
        seen.push(`${name} out`);
      });
    await Promise.all([enter('a'), enter('b')]);
    expect([seen.slice(0, 2), seen.slice(2)].toSorted()).toEqual([
      ['a in', 'a out'],
      ['b in', 'b out'],
    ]);
  });

  test('is free again when its holder is killed', async () => {
    const lock = join(directory, 'lock');
    const module = join(import.meta.dirname, '../../src/image/lock.ts');
    const script = `import { withLock } from ${JSON.stringify(module)};
      await withLock(process.argv[1], {}, () => { console.log('in'); return new Promise((r) => setTimeout(r, 60000)); });`;
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script, lock]);
    await once(holder.stdout, 'data');
    holder.kill('SIGKILL');
    expect(await withLock(lock, {}, () => Promise.resolve('mine'))).toBe('mine');
  });

  test('is waited for no longer than the signal allows', async () => {
    const lock = join(directory, 'lock');
    await withLock(lock, {}, async () => {
      const waiting = withLock(lock, { signal: AbortSignal.timeout(100) }, () => Promise.resolve());
      await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    });
  });
});

describe('a program of the build', () => {
  test('that fails tells its last words', async () => {
    await expect(run(['sh', '-c', 'echo first; echo last >&2; exit 3'])).rejects.toThrow(
      /^sh ended with 3: (first\nlast|last\nfirst)$/,
    );
  });

  test('ends with its signal', async () => {
    const started = Date.now();
    await expect(run(['sleep', '60'], { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    expect(Date.now() - started).toBeLessThan(5000);
  });
});
