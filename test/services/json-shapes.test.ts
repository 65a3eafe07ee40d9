import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorShape, jsonShapes } from '../../src/cli/json/shapes.ts';
import { CommandLine } from '../helpers/command-line.ts';

/**
 * What the commands print with `--json`, held against their documented shapes, in the order of a
 * cluster's life: each test goes on from the one before.
 */
let mvc: CommandLine;

beforeAll(async () => {
  mvc = await CommandLine.create();
});
afterAll(async () => {
  await mvc.run('down');
  await mvc.remove();
});

const cluster = ['demo', '--site', 'alpine=1', '--site', 'beach=1', '--overlay', 'memory'];

/** Runs a command with `--json` and checks what it prints. A field that no shape has is an error. */
async function printed(shape: string, ...argv: string[]): Promise<unknown> {
  const { stdout, stderr, exitCode } = await mvc.run(...argv, '--json');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return jsonShapes[shape]?.parse(JSON.parse(stdout));
}

test('services', async () => {
  await printed('up', 'up');
  expect(await printed('status', 'status')).toMatchObject({ healthy: true });
});

test('sites', async () => {
  for (const site of ['alpine', 'beach', 'cloud']) {
    await printed('site add', 'site', 'add', site, '--kind', 'memory');
  }
  await printed('site update', 'site', 'update', 'cloud', '--kind', 'memory', '--container', 'h1');
  expect(await printed('site list', 'site', 'list')).toHaveLength(3);
  await printed('site show', 'site', 'show', 'alpine');
  await printed('site remove', 'site', 'remove', 'cloud');
});

test('a cluster that is built', async () => {
  expect(await printed('list', 'list')).toEqual([]);
  expect(await printed('plan', 'plan', ...cluster)).not.toHaveProperty('change');
  await printed('create', 'create', ...cluster, '--no-watch');
  const events = (await mvc.ok('watch', 'demo', '--json')).trim().split('\n');
  const watched = events.map((line) => jsonShapes['watch']?.parse(JSON.parse(line)));
  expect(watched.at(-1)).toMatchObject({ event: 'ended', result: { phase: 'ready' } });
  expect(await printed('create', 'create', ...cluster)).toMatchObject({ alreadyReady: true });
  const [last] = (await mvc.ok('create', ...cluster, '--events')).trim().split('\n').slice(-1);
  expect(jsonShapes['watch']?.parse(JSON.parse(last ?? ''))).toMatchObject({
    event: 'ended',
    result: { alreadyReady: true },
  });
  expect(await printed('list', 'list')).toHaveLength(1);
  expect(await printed('status NAME', 'status', 'demo')).toMatchObject({ phase: 'ready' });
  await printed('ui', 'ui');
  expect(await printed('ui', 'ui', 'demo')).toHaveProperty('operation');
  await printed('history', 'history', 'demo');
});

test('a cluster that is changed', async () => {
  const dry = await printed('scale --dry-run', 'scale', 'demo', 'beach=2', '--dry-run');
  expect(dry).toMatchObject({ change: { added: [{ name: 'compute-beach-1' }] } });
  await printed('scale', 'scale', 'demo', 'beach=2');
  await printed('repair', 'repair', 'demo');
  await printed('stop', 'stop', 'demo');
  await printed('start', 'start', 'demo');
  expect(await printed('cancel', 'cancel', 'demo')).toEqual({ cluster: 'demo' });
});

test('what is at the sites', async () => {
  expect(await printed('inventory', 'inventory')).not.toEqual([]);
  await printed('sweep', 'sweep');
  await printed('reconcile', 'reconcile');
});

test('a cluster that is destroyed', async () => {
  await printed('destroy', 'destroy', 'demo', '--yes');
  expect(await printed('history', 'history', 'demo')).toHaveLength(6);
});

test('help', async () => {
  await printed('help', 'help');
  await printed('explain', 'explain', 'busy');
});

test('errors, with the names that were likely meant', async () => {
  const { stderr, stdout, exitCode } = await mvc.run('site', 'show', 'alpin', '--json');
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 5 });
  expect(errorShape.parse(JSON.parse(stderr)).error.didYouMean).toEqual(['alpine']);
});
