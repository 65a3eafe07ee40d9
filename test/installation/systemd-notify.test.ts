import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemdNotifier } from '../../src/installation/systemd-notify.ts';

const missing = ['systemd-notify', 'socat'].filter(
  (program) => spawnSync(program, ['--version']).error !== undefined,
);

test.skipIf(missing.length > 0)('a sign of life reaches the socket of systemd', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mvc-notify-'));
  const socket = join(directory, 'notify');
  const listener = spawn('socat', ['-u', '-d', '-d', `UNIX-RECV:${socket}`, 'STDOUT']);
  try {
    let heard = '';
    listener.stdout.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    await once(listener.stderr, 'data');
    const complaints: string[] = [];
    const notify = systemdNotifier((message) => complaints.push(message), {
      ...process.env,
      NOTIFY_SOCKET: socket,
    });
    notify();
    await expect.poll(() => heard, { timeout: 10_000 }).toContain('WATCHDOG=1');
    expect(heard).toContain('READY=1');
    expect(complaints).toEqual([]);
  } finally {
    listener.kill('SIGKILL');
    await rm(directory, { recursive: true });
  }
});

test('without systemd nobody is told', () => {
  const notify = systemdNotifier(() => expect.unreachable(), {});
  notify();
});
