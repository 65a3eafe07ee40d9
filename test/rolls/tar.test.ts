import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { directory, file, link, renderTar } from '../../src/rolls/tar.ts';

const entries = [
  directory('home/hpc', { mode: 0o750, owner: 1000 }),
  file('etc/key', Buffer.from([0, 1, 255]), { mode: 0o400, owner: 812 }),
  file('etc/long', 'x'.repeat(513)),
  link('etc/unit.service', '/dev/null'),
];

describe('an archive', () => {
  test('is read by tar, with owners, modes, kinds and content', () => {
    const argv = ['--numeric-owner', '--utc', '-tvf', '-'];
    const listing = execFileSync('tar', argv, { input: renderTar(entries) }).toString();
    expect(
      listing
        .trim()
        .split('\n')
        .map((line) => line.replace(/\s+/g, ' ')),
    ).toEqual([
      'drwxr-x--- 1000/1000 0 1970-01-01 00:00 home/hpc/',
      '-r-------- 812/812 3 1970-01-01 00:00 etc/key',
      '-rw-r--r-- 0/0 513 1970-01-01 00:00 etc/long',
      'lrwxrwxrwx 0/0 0 1970-01-01 00:00 etc/unit.service -> /dev/null',
    ]);
    const content = execFileSync('tar', ['-xOf', '-', 'etc/key'], { input: renderTar(entries) });
    expect([...content]).toEqual([0, 1, 255]);
  });

  test('without its end mark goes on with another', () => {
    const joined = Buffer.concat([
      renderTar([file('a', '1')], { end: false }),
      renderTar([file('b', '2')]),
    ]);
    expect(execFileSync('tar', ['-tf', '-'], { input: joined }).toString()).toBe('a\nb\n');
  });

  test.each(['/etc/x', '../x', 'a/../b', 'a//b', '', 'x'.repeat(101)])(
    'refuses the path %j',
    (path) => {
      expect(() => renderTar([file(path, '')])).toThrow(/path below the root|does not fit/);
    },
  );
});
