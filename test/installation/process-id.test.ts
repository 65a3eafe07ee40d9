import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';
import {
  endProcess,
  findMarked,
  identify,
  isAlive,
  markVariable,
} from '../../src/installation/process-id.ts';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start(script: string, env: Record<string, string> = {}): Promise<number> {
  const child = spawn(process.execPath, ['-e', `${script}; console.log('up')`], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid ?? 0;
}

test('a process is known by its start time too: another one with its number is not taken for it', async () => {
  const id = await identify(await start('setInterval(() => {}, 1000)'));
  expect(await isAlive(id)).toBe(true);
  expect(await isAlive({ ...id!, startTicks: id!.startTicks + 1 })).toBe(false);
  expect(await isAlive({ ...id!, boot: 'another boot' })).toBe(false);
});

test('a process that ignores SIGTERM is ended by force', async () => {
  const id = await identify(
    await start("process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)"),
  );
  await endProcess(id!, { signal: 'SIGTERM', withinMs: 200 });
  expect(await isAlive(id)).toBe(false);
});

test('processes are found by the mark of their installation, others are left out', async () => {
  const ours = await start('setInterval(() => {}, 1000)', { [markVariable]: 'one-id:temporal' });
  await start('setInterval(() => {}, 1000)', { [markVariable]: 'other-id:temporal' });
  const found = await findMarked('one-id');
  expect(found.map((each) => [each.service, each.process.pid])).toEqual([['temporal', ours]]);
});
