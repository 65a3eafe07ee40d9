import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { topologySchema } from '../../src/domain/topology.ts';

const program = join(import.meta.dirname, '../../src/rolls/files/topology/usr/lib/mvc/topology');
const hasJq = spawnSync('jq', ['--version']).status === 0;
if (!hasJq) console.log('skipped: the program for the topology needs jq, as a node image has it');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mvc-topology-'));
  for (const name of ['etc/mvc', 'etc/slurm', 'run'])
    mkdirSync(join(root, name), { recursive: true });
  writeFileSync(join(root, 'etc/mvc/frontend.env'), 'SITE=alpine\nCLUSTER=demo\n');
});
afterEach(() => rmSync(root, { recursive: true }));

/** The frontend is told of its nodes, and a proof of the cluster found these round-trip times. */
function record(nodes: Record<string, string[]>, rtt: string[]) {
  const leaves = Object.entries(nodes).map(
    ([site, names]) => `SwitchName=${site} Nodes=${names.join(',')}\n`,
  );
  const top = `SwitchName=every_site Switches=${Object.keys(nodes).join(',')}\n`;
  writeFileSync(join(root, 'etc/slurm/topology.conf'), leaves.join('') + top);
  writeFileSync(join(root, 'rtt'), rtt.map((line) => `${line}\n`).join(''));
  const env = { ...process.env, MVC_ROOT: root };
  const { stderr } = spawnSync(program, ['record', join(root, 'rtt')], { env, encoding: 'utf8' });
  expect(stderr).toBe('');
  return topologySchema.parse(JSON.parse(readFileSync(kept(), 'utf8')));
}
const kept = () => join(root, 'etc/mvc/topology.json');
const beach = ['compute-beach-0'];

describe.skipIf(!hasJq)('what the proof of a cluster has found is recorded', () => {
  test('with the frontend among the nodes of its site', () => {
    expect(record({ beach }, ['alpine beach 20.5'])).toEqual({
      cluster: 'demo',
      measuredAt: null,
      sites: [
        { name: 'alpine', nodes: ['frontend'] },
        { name: 'beach', nodes: beach },
      ],
      latency: { sites: [{ from: 'alpine', to: 'beach', ms: 20.5 }], nodes: [] },
      bandwidth: { sites: [] },
    });
  });

  test('though the proof was of the new nodes alone: the others stay, with what is known of them', () => {
    const before = record({ beach, cloud: ['compute-cloud-0'] }, [
      'alpine beach 20',
      'beach cloud 30',
    ]);
    const rates = [{ from: 'beach', to: 'cloud', mbitPerSecond: 50 }];
    const measured = { ...before, measuredAt: 5, bandwidth: { sites: rates } };
    writeFileSync(kept(), JSON.stringify(measured));
    const grown = [...beach, 'compute-beach-1'];
    const after = record({ beach: grown, cloud: ['compute-cloud-0'] }, ['alpine beach 21']);
    expect(after.sites.find(({ name }) => name === 'beach')?.nodes).toEqual(grown);
    expect(after.latency.sites).toEqual([
      { from: 'beach', to: 'cloud', ms: 30 },
      { from: 'alpine', to: 'beach', ms: 21 },
    ]);
    expect(after).toMatchObject({ measuredAt: 5, bandwidth: { sites: rates } });
  });

  test('and a site that left is forgotten', () => {
    record({ beach, cloud: ['compute-cloud-0'] }, ['alpine beach 20', 'beach cloud 30']);
    const after = record({ beach }, ['alpine beach 20']);
    expect(after.sites.map(({ name }) => name)).toEqual(['alpine', 'beach']);
    expect(after.latency.sites).toEqual([{ from: 'alpine', to: 'beach', ms: 20 }]);
  });
});
