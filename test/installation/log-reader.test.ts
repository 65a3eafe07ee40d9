import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogReader, wholeLog } from '../../src/installation/log-reader.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-log-'));
  path = join(directory, 'worker.log');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function all(lines: AsyncGenerator<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

describe('a log that grows', () => {
  it('is read line by line, each line once', async () => {
    const reader = new LogReader(path);
    expect(await all(reader.unread())).toEqual([]);
    await writeFile(path, 'one\ntwo\n');
    expect(await all(reader.unread())).toEqual(['one', 'two']);
    await appendFile(path, 'three\n');
    expect(await all(reader.unread())).toEqual(['three']);
    expect(await all(reader.unread())).toEqual([]);
  });

  it('keeps back a line that is not whole yet, also in the middle of a character', async () => {
    const reader = new LogReader(path);
    const bytes = Buffer.from('first\nzürich\n');
    const inUmlaut = bytes.indexOf(0xc3) + 1;
    await writeFile(path, bytes.subarray(0, inUmlaut));
    expect(await all(reader.unread())).toEqual(['first']);
    await appendFile(path, bytes.subarray(inUmlaut));
    expect(await all(reader.unread())).toEqual(['zürich']);
  });

  it('is read from its beginning after it was cut', async () => {
    const reader = new LogReader(path);
    await writeFile(path, 'a long line of the time before\nhalf');
    await all(reader.unread());
    await writeFile(path, 'new\n');
    expect(await all(reader.unread())).toEqual(['new']);
  });

  it('is longer than what is read at once', async () => {
    const lines = Array.from({ length: 30_000 }, (_, index) => `${index} ${'x'.repeat(60)}`);
    await writeFile(path, `${lines.join('\n')}\n`);
    expect(await all(new LogReader(path).unread())).toEqual(lines);
  });

  it('begins with its older part', async () => {
    await writeFile(`${path}.1`, 'old\n');
    await writeFile(path, 'new\n');
    expect(await all(wholeLog(path, new LogReader(path)))).toEqual(['old', 'new']);
  });
});
