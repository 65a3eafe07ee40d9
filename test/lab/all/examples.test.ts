import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterSpecInput } from '../../../src/domain/cluster.ts';
import { Examples, languages } from '../../helpers/examples.ts';
import { World } from '../faults/world.ts';

const minutes = 60_000;
const sites = ['alpine', 'beach', 'cloud'];

let world: World;
let examples: Examples;

beforeAll(async () => {
  world = await World.open();
  const { ports } = await world.mvc.json<{ ports: { temporal: number } }>('up');
  examples = await Examples.open(`127.0.0.1:${ports.temporal}`);
}, 10 * minutes);

afterAll(async () => {
  await examples?.close();
  await world.close();
}, 3 * minutes);

describe('a real cluster', () => {
  it(
    'is built and destroyed by each of the examples, all at once',
    async () => {
      const ended = await Promise.all(
        languages.map((language, at) => {
          const origin = sites[at] ?? '';
          const other = sites[(at + 1) % sites.length] ?? '';
          const spec: ClusterSpecInput = {
            name: language,
            origin,
            sites: [
              { name: origin, computes: 0 },
              { name: other, computes: 1 },
            ],
            overlay: { kind: 'n2n', insecure: true },
          };
          return examples.build(language, spec);
        }),
      );
      expect(ended.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual(
        languages.map(() => [0, '']),
      );
      for (const { stdout } of ended) expect(stdout).toContain('destroyed');
      expect(await world.mvc.json('inventory')).toEqual([]);
    },
    15 * minutes,
  );
});
