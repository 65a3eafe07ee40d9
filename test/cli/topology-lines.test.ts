import { expect, it } from 'vitest';
import { topologyLines } from '../../src/cli/topology-lines.ts';
import type { Topology } from '../../src/domain/topology.ts';

const topology: Topology = {
  cluster: 'demo',
  measuredAt: 1,
  sites: [
    { name: 'alpine', nodes: ['frontend'] },
    { name: 'beach', nodes: ['compute-beach-0'] },
  ],
  latency: { sites: [{ from: 'alpine', to: 'beach', ms: 20.4 }], nodes: [] },
  bandwidth: { sites: [{ from: 'beach', to: 'alpine', mbitPerSecond: 8.25 }] },
};

it('a topology is shown as matrices: latency both ways, bandwidth as it was measured', () => {
  expect(topologyLines(topology)).toEqual([
    'round trip between sites, ms',
    '          alpine  beach',
    '  alpine  -       20',
    '  beach   20      -',
    '',
    'bandwidth between sites, Mbit/s (row to column)',
    '          alpine  beach',
    '  alpine  -       -',
    '  beach   8.3     -',
    '',
    'round trip between nodes, ms',
    '                   frontend  compute-beach-0',
    '  frontend         -         -',
    '  compute-beach-0  -         -',
  ]);
});

it('a matrix that is too wide is left to --json', () => {
  const nodes = Array.from({ length: 11 }, (_, index) => `compute-beach-${index}`);
  const lines = topologyLines({ ...topology, sites: [{ name: 'beach', nodes }] });
  expect(lines.at(-1)).toBe('round trip between nodes, ms: too wide to show; see --json');
});
