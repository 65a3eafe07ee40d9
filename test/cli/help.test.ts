import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandGroups } from '../../src/cli/commands.ts';
import { manualPage } from '../../src/cli/manual.ts';
import { markdownText } from '../../src/cli/markdown-text.ts';
import { programFor, wholeProgram } from '../../src/cli/program.ts';
import { readPage, topics } from '../../src/cli/topics.ts';

const root = join(import.meta.dirname, '..', '..');

describe('topics', () => {
  test.each(topics)('$name has its page', async ({ page }) => {
    expect(await readPage(page)).toMatch(/^# /);
  });

  test('every page of docs/help is a topic', () => {
    const pages = readdirSync(join(root, 'docs/help')).map((file) => `docs/help/${file}`);
    const listed = topics.map(({ page }) => page).filter((page) => page.startsWith('docs/help/'));
    expect(listed.toSorted()).toEqual(pages.toSorted());
  });

  test('those that a command is called like are known: they point to its own help', () => {
    const commands = Object.values(commandGroups).flatMap((group) => group.map(({ name }) => name));
    const both = topics.map(({ name }) => name).filter((name) => commands.includes(name));
    expect(both).toEqual(['resume', 'history', 'completion']);
  });
});

test('a page is shown without its markup', () => {
  const page =
    '# A title\n\nSee [the map](map.md).\n\n```sh\nmvc up\n```\n\n| a | b |\n| - | - |\n| 1 | 2 |\n';
  expect(markdownText(page)).toBe(
    'A TITLE\n\nSee the map (map.md).\n\n    mvc up\n\n  a  b\n  1  2',
  );
});

test('only the command that is called is loaded', async () => {
  const mvc = await programFor(['site', 'list']);
  const loaded = mvc.commands.filter((each) => each.commands.length > 0 || each.options.length > 0);
  expect(loaded.map((each) => each.name())).toEqual(['site']);
  expect(mvc.commands.map((each) => each.name())).toContain('create');
});

describe('the manual page', async () => {
  const page = manualPage(await wholeProgram());

  test('has every command, its options and its arguments', () => {
    expect(page).toContain('.SS mvc site show name');
    expect(page).toContain('\\fB\\-\\-udp\\-ports <first\\-last>\\fR');
    expect(page).not.toContain('ssh\\-tunnel');
  });

  test('has no line that roff would take for a request of its own', () => {
    const requests = page.split('\n').filter((line) => /^[.']/.test(line));
    expect(requests.filter((line) => !/^\.(TH|SH|SS|TP|B)\b/.test(line))).toEqual([]);
  });

  test.skipIf(spawnSync('mandoc', ['-h']).error !== undefined)('is taken by mandoc', () => {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'error'], { input: page });
    expect(stdout.toString()).toBe('');
  });
});
