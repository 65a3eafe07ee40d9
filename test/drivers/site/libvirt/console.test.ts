import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConsole, shortenConsole } from '../../../../src/drivers/site/libvirt/console.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-console-'));
  file = join(directory, 'console.log');
});
afterEach(() => rm(directory, { recursive: true, force: true }));

describe("a VM's console", () => {
  it('is empty before the first start', async () => {
    expect(await readConsole(file, 100)).toBe('');
    await shortenConsole(file);
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  it('is read from its end', async () => {
    await writeFile(file, 'first\nlast\n');
    expect(await readConsole(file, 5)).toBe('last\n');
    expect(await readConsole(file, 100)).toBe('first\nlast\n');
  });

  it('is cut to its end when it is long, and written on from there', async () => {
    await writeFile(file, `${'x'.repeat(2 * 1024 * 1024)}the end\n`);
    await shortenConsole(file);
    expect((await stat(file)).size).toBe(256 * 1024);
    await appendFile(file, 'after\n');
    expect(await readConsole(file, 14)).toBe('the end\nafter\n');
  });

  it('is left as it is when it is short', async () => {
    await writeFile(file, 'all of it\n');
    await shortenConsole(file);
    expect(await readFile(file, 'utf8')).toBe('all of it\n');
  });
});
