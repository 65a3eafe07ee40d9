import { describe, expect, it } from 'vitest';
import { collect } from '../../src/cli/logs.ts';

async function* log(...entries: [seconds: number, cluster: string, msg: string][]) {
  for (const [seconds, cluster, msg] of entries) {
    const time = new Date(seconds * 1_000).toISOString();
    yield JSON.stringify({ level: 'info', time, cluster, msg });
  }
}

const messages = async (...asked: Parameters<typeof collect>) => {
  const { found, left } = await collect(...asked);
  return { left, said: found.map(({ entry }) => entry.msg) };
};

describe('the logs of several workers', () => {
  it('are told in the order of their times', async () => {
    const logs = [log([1, 'demo', 'a'], [4, 'demo', 'd']), log([2, 'demo', 'b'], [3, 'demo', 'c'])];
    expect(await messages(logs, {}, Infinity)).toEqual({ left: 0, said: ['a', 'b', 'c', 'd'] });
  });

  it('are cut to their last lines together, and what was left out is counted', async () => {
    const many = Array.from({ length: 25 }, (_, index) => [index, 'demo', `${index}`] as const);
    const logs = [
      log(...many.map((each): [number, string, string] => [...each])),
      log([100, 'demo', 'last']),
    ];
    expect(await messages(logs, {}, 3)).toEqual({ left: 23, said: ['23', '24', 'last'] });
  });

  it('are searched for a whole name of a cluster, not for a part of it', async () => {
    const logs = [log([1, 'demo-2', 'other'], [2, 'demo', 'own'], [3, 'x', 'about demo'])];
    expect(await messages(logs, { cluster: 'demo' }, Infinity)).toEqual({ left: 0, said: ['own'] });
  });
});
