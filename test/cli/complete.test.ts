import { expect, test } from 'vitest';
import { complete, completionLines } from '../../src/cli/complete.ts';
import type { NameSource } from '../../src/cli/known-names.ts';
import { programFor, wholeProgram } from '../../src/cli/program.ts';

const source: NameSource = {
  names: async () => ({ clusters: ['demo', 'mine'], sites: ['alpine', 'beach'] }),
  vms: async (cluster) => (cluster === 'demo' ? ['frontend', 'compute-beach-0'] : []),
};

/** The words that are offered for a line, whose last word is begun or, after a blank, empty. */
async function offered(line: string): Promise<string[] | 'files'> {
  const offers = await complete(line.split(' '), { programFor, wholeProgram }, source);
  return offers === 'files' ? offers : offers.map(({ word }) => word);
}

test.each([
  ['commands', 'sta', ['status', 'start']],
  ['subcommands', 'site li', ['list']],
  ['options', 'destroy demo --y', ['--yes']],
  ['clusters', 'watch ', ['demo', 'mine']],
  ['clusters that begin so', 'status m', ['mine']],
  ['sites as arguments', 'site show ', ['alpine', 'beach']],
  ['sites as a value', 'resume demo --site ', ['alpine', 'beach']],
  ['sites that take a number', 'create new --site al', ['alpine=']],
  ['sites of a variable number', 'scale demo alpine=1 b', ['beach=']],
  ['VMs of the cluster', 'stop demo comp', ['compute-beach-0']],
  ['choices', 'lab wan beach ', ['down', 'up']],
  ['topics and commands', 'help e', ['environment', 'exit-codes', 'errors', 'explain']],
  ['codes', 'explain host', ['host-key-changed']],
  ['arguments after a value of an option', 'resume --site beach ', ['demo', 'mine']],
])('%s are offered: %j', async (_, line, words) => {
  expect(await offered(line)).toEqual(words);
});

test.each(['create -f ', 'create -f spec', 'site prepare --frontend --key '])(
  'files are offered: %j',
  async (line) => {
    expect(await offered(line)).toBe('files');
  },
);

test.each([
  ['after --, which is for elsewhere', 'ssh demo -- s'],
  ['after the last argument', 'watch demo '],
  ['for a number of computes, which bash makes a word of', 'scale demo beach = '],
  ['to an unknown command', 'nosuch '],
  ['that only other programs use', '__'],
])('nothing is offered %s', async (_, line) => {
  expect(await offered(line)).toEqual([]);
});

test('each offer is a line with its meaning', () => {
  expect(completionLines([{ word: 'demo', means: 'cluster' }])).toBe('demo\tcluster\n');
  expect(completionLines('files')).toBe(':files\n');
});
