import { describe, expect, it } from 'vitest';
import { planCopy } from '../../src/cli/cp.ts';
import { quoteWord } from '../../src/cli/run.ts';

describe('a copy', () => {
  it.each([
    [
      ['job.sh', 'demo:'],
      ['job.sh', 'frontend:'],
    ],
    [
      ['a', 'b', 'demo:dir/'],
      ['a', 'b', 'frontend:dir/'],
    ],
    [
      ['demo:/home/x', 'demo:y', '.'],
      ['frontend:/home/x', 'frontend:y', '.'],
    ],
    // A colon behind a slash, or behind what can be no cluster, is part of a name here.
    [
      ['./a:b', 'demo:'],
      ['./a:b', 'frontend:'],
    ],
    [
      ['A:b', 'demo:'],
      ['./A:b', 'frontend:'],
    ],
  ])('%j goes between here and the frontend', (paths, args) => {
    expect(planCopy(paths)).toEqual({ cluster: 'demo', args });
  });

  it.each([[['job.sh']], [['a', 'b']], [['demo:a', 'other:b']], [['demo:a', 'demo:b']]])(
    '%j is refused',
    (paths) => {
      expect(() => planCopy(paths)).toThrow('this is no copy between here and one cluster');
    },
  );

  it('is refused if only some of its sources are at the cluster', () => {
    expect(() => planCopy(['demo:a', 'b', 'c'])).toThrow('sources and target are not apart');
  });
});

describe('a word of a program to run', () => {
  it.each([
    ['-N3', '-N3'],
    ['', "''"],
    ['a b', "'a b'"],
    ["it's $HOME", String.raw`'it'\''s $HOME'`],
    ['a;b\nc', "'a;b\nc'"],
  ])('%j reaches the shell as %s', (word, quoted) => {
    expect(quoteWord(word)).toBe(quoted);
  });
});
