import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renderCpio } from '../../src/image/cpio.ts';
import { writeDisk } from '../../src/image/disk.ts';
import { directory as folder, file } from '../../src/rolls/tar.ts';

const mebibyte = 1024 ** 2;
let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'mvc-disk-'));
});
afterEach(() => rm(directory, { recursive: true }));

describe('a disk', () => {
  test('has GRUB first and each partition at a whole mebibyte, as its table says', async () => {
    const first = join(directory, 'first');
    const second = join(directory, 'second');
    await writeFile(first, Buffer.alloc(mebibyte + 1, 1));
    await writeFile(second, Buffer.alloc(700, 2));
    const path = join(directory, 'disk');
    const grub = Buffer.alloc(2048, 9);
    const { digest, size } = await writeDisk(path, { grub, partitions: [first, second] });
    const disk = await readFile(path);
    expect(size).toBe(disk.length);
    expect(size % 512).toBe(0);
    expect(digest).toBe(createHash('sha256').update(disk).digest('hex'));
    expect(disk.readUInt16LE(510)).toBe(0xaa55);
    expect([disk[445], disk[512]]).toEqual([9, 9]);
    const table = [446, 462].map((at) => [disk.readUInt32LE(at + 8), disk.readUInt32LE(at + 12)]);
    expect(table).toEqual([
      [2048, 2049],
      [3 * 2048, 2],
    ]);
    expect([disk[mebibyte], disk[2 * mebibyte], disk[3 * mebibyte]]).toEqual([1, 1, 2]);
  });

  test('refuses a GRUB that would run into the first partition', async () => {
    const grub = Buffer.alloc(mebibyte + 1);
    await expect(writeDisk(join(directory, 'disk'), { grub, partitions: [] })).rejects.toThrow(
      'too many for its gap',
    );
  });
});

describe("the kernel's archive", () => {
  test('has aligned members and ends with its trailer', () => {
    const archive = renderCpio([folder('bin'), file('init', '#!/bin/sh\n', { mode: 0o755 })]);
    expect(archive.length % 4).toBe(0);
    const text = archive.toString('latin1');
    expect(text.match(/070701/g)).toHaveLength(3);
    expect(text).toContain('TRAILER!!!');
    const init = archive.subarray(archive.indexOf('init\0') - 110);
    expect(parseInt(init.subarray(14, 22).toString(), 16)).toBe(0o100755);
    expect(parseInt(init.subarray(54, 62).toString(), 16)).toBe(10);
  });
});
