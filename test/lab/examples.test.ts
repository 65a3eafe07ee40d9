import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterSpecInput } from '../../src/domain/cluster.ts';
import { CommandLine } from '../helpers/command-line.ts';
import { Examples, languages } from '../helpers/examples.ts';
import { join } from 'node:path';

const minutes = 60_000;
const sites = ['alpine', 'beach', 'cloud'];

let mvc: CommandLine;
let examples: Examples;

beforeAll(async () => {
  mvc = await CommandLine.create();
  const { ports } = await mvc.json<{ ports: { temporal: number } }>('up');
  await mvc.ok('lab', 'up', '--rtt', '20', '--hosts', '1,1,1');
  await Promise.all([
    ...sites.map((site) =>
      mvc.ok('site', 'add', '-f', join(mvc.home, 'lab', 'sites', `${site}.json`)),
    ),
    mvc.ok('image', 'build'),
  ]);
  examples = await Examples.open(`127.0.0.1:${ports.temporal}`);
}, 10 * minutes);

afterAll(async () => {
  await examples?.close();
  await mvc.run('lab', 'down');
  await mvc.run('down');
  await mvc.remove();
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
      expect(await mvc.json('inventory')).toEqual([]);
    },
    15 * minutes,
  );
});
