import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderJsonPage } from '../../src/cli/json/page.ts';
import { jsonShapes } from '../../src/cli/json/shapes.ts';
import { fullName } from '../../src/cli/manual.ts';
import { wholeProgram } from '../../src/cli/program.ts';
import { callableCommands } from './command-tree.ts';

/** What they print is a script, the output of another program, or only how it goes. */
const withoutData = [
  'completion',
  'cp',
  'demo',
  'down',
  'lab address',
  'lab cut',
  'lab disk',
  'lab down',
  'lab exec',
  'lab host-key',
  'lab kill',
  'lab nat',
  'lab reboot',
  'lab restart',
  'lab rtt',
  'lab wan',
  'run',
  'schema',
  'site prepare',
  'ssh',
];

const commands = callableCommands(await wholeProgram()).map((command) => ({
  name: fullName(command).replace(/^mvc /, ''),
  json: command.options.some((option) => option.long === '--json'),
}));

test('every command has --json, unless it prints no data', () => {
  const without = commands.filter(({ json }) => !json).map(({ name }) => name);
  expect(without.toSorted()).toEqual(withoutData);
});

test('every command with --json has its shape, and every shape its command', () => {
  const withJson = commands.filter(({ json }) => json).map(({ name }) => name);
  // `status NAME` and `scale --dry-run` print something else than the plain command.
  const shaped = Object.keys(jsonShapes).map((name) => name.replace(/ (--[a-z-]+|[A-Z]+)$/, ''));
  expect([...new Set(shaped)].toSorted()).toEqual(withJson.toSorted());
});

test('docs/json.md is as the shapes are: `npm run docs:json` writes it', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs/json.md'), 'utf8');
  expect(page).toContain('### mvc list\n');
  expect(renderJsonPage(page)).toBe(page);
});
