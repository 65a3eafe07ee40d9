import type { Topology } from '../domain/topology.ts';
import { tableLines } from './output.ts';

/** More do not fit beside each other. */
const mostColumns = 10;

interface Pair {
  from: string;
  to: string;
}

/** Matrices for a person: rows are where it goes from, columns where to. */
export function topologyLines(topology: Topology): string[] {
  const { sites, latency, bandwidth } = topology;
  const names = sites.map((site) => site.name);
  const nodes = sites.flatMap((site) => site.nodes);
  const ms = (pair: { ms: number }) => (pair.ms < 10 ? pair.ms.toFixed(1) : pair.ms.toFixed(0));
  return [
    ...matrix('round trip between sites, ms', names, bothWays(latency.sites), ms),
    '',
    ...matrix('bandwidth between sites, Mbit/s (row to column)', names, bandwidth.sites, (pair) =>
      pair.mbitPerSecond < 10 ? pair.mbitPerSecond.toFixed(1) : pair.mbitPerSecond.toFixed(0),
    ),
    '',
    ...matrix('round trip between nodes, ms', nodes, bothWays(latency.nodes), ms),
  ];
}

function matrix<T extends Pair>(
  title: string,
  names: string[],
  pairs: T[],
  show: (pair: T) => string,
): string[] {
  if (names.length > mostColumns) return [`${title}: too wide to show; see --json`];
  const cell = (from: string, to: string) => {
    const pair = pairs.find((each) => each.from === from && each.to === to);
    return pair === undefined ? '-' : show(pair);
  };
  const rows = names.map((from) => [from, ...names.map((to) => cell(from, to))]);
  return [title, ...tableLines(['', ...names], rows).map((line) => `  ${line}`)];
}

function bothWays<T extends Pair>(pairs: T[]): T[] {
  return pairs.flatMap((pair) => [pair, { ...pair, from: pair.to, to: pair.from }]);
}
