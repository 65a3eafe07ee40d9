import type { Topology } from '../../../domain/topology.ts';
import type { FrontendState } from './world-state.ts';

/** What `topology` of a node image does; all sites are equally far. @returns what it prints. */
export function tellTopology(
  frontend: FrontendState,
  cluster: string,
  [command]: string[],
  stdin: string,
): string {
  if (command === 'measure') frontend.topology = measured(cluster, stdin);
  return frontend.topology === undefined ? '' : `${JSON.stringify(frontend.topology)}\n`;
}

function measured(cluster: string, stdin: string): Topology {
  const nodes = stdin
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' ') as [string, string]);
  const sites = [...Map.groupBy(nodes, ([, site]) => site)].map(([name, members]) => ({
    name,
    nodes: members.map(([node]) => node),
  }));
  const names = sites.map((site) => site.name);
  const pairs = names.flatMap((from) =>
    names.filter((to) => to !== from).map((to) => ({ from, to })),
  );
  return {
    cluster,
    measuredAt: Math.floor(Date.now() / 1000),
    sites,
    latency: {
      sites: pairs.filter(({ from, to }) => from < to).map((pair) => ({ ...pair, ms: 0.1 })),
      nodes: [],
    },
    bandwidth: { sites: pairs.map((pair) => ({ ...pair, mbitPerSecond: 1000 })) },
  };
}
