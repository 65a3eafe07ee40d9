import { expect, it } from 'vitest';
import { guideBlocks, guideTexts } from './helpers/guide.ts';

const fence = '```';
const page = (...lines: string[]) => `# A guide\n\n${lines.join('\n')}\n`;

it('a guide is read as blocks of commands, each with who runs it and what they answer', () => {
  const guide = page(
    `${fence}sh you answering yes`,
    'mvc site keys -f a.yaml',
    '',
    'mvc site keys -f b.yaml',
    fence,
    'Then at the site:',
    `${fence}sh root@alpine-h1`,
    'sh h1.sh',
    fence,
  );
  expect(guideBlocks(guide)).toEqual([
    {
      who: 'you',
      answer: 'yes',
      commands: ['mvc site keys -f a.yaml', 'mvc site keys -f b.yaml'],
    },
    { who: 'root@alpine-h1', commands: ['sh h1.sh'] },
  ]);
});

it.each(['', ' root', ' you answering', ' you answering yes please', ' root@Alpine', ' they'])(
  'a block of commands that nobody runs (%j) is an error',
  (who) => {
    expect(() => guideBlocks(page(`${fence}sh${who}`, 'rm -rf x', fence))).toThrow(
      'nobody runs the block',
    );
  },
);

it('what a guide says will be printed is read in order, without the commands', () => {
  const text = (...lines: string[]) => [`${fence}text`, ...lines, fence].join('\n');
  const commands = [`${fence}sh you`, 'mvc up', fence].join('\n');
  const guide = page(text('compute-a-0', 'compute-b-0'), commands, text('All is there.'));
  expect(guideTexts(guide)).toEqual(['compute-a-0\ncompute-b-0', 'All is there.']);
});
