import { parseInput } from '../../domain/failure.ts';
import { topologySchema, type Topology } from '../../domain/topology.ts';
import { activity } from '../activity.ts';
import type { SiteDrivers } from './drivers.ts';
import { runInGuest, runOfRoll, type GuestAddress } from './guest.ts';

const program = '/usr/lib/mvc/topology';

/** The program's own bound, and what starting its jobs takes. */
export const measureTimeoutMs = 240_000;

/** Activities about how far the sites of a cluster are apart. */
export function createTopologyActivities(drivers: SiteDrivers) {
  return {
    /** What the frontend has recorded; undefined if nothing is. */
    async readTopology(input: { frontend: GuestAddress }): Promise<Topology | undefined> {
      return activity(async (watch) => {
        const argv = [program, 'show'];
        const output = await runOfRoll('topology', drivers, input.frontend, argv, {}, watch);
        return output === '' ? undefined : parseTopology(output);
      });
    },

    /** Runs two short jobs: a ping between all nodes, and a transfer between each two sites. */
    async measureTopology(input: {
      frontend: GuestAddress;
      nodes: { name: string; site: string }[];
    }): Promise<Topology> {
      return activity(async (watch) => {
        const stdin = input.nodes.map(({ name, site }) => `${name} ${site}\n`).join('');
        const options = { stdin, timeoutMs: measureTimeoutMs };
        const argv = [program, 'measure', 'eth0'];
        return parseTopology(await runInGuest(drivers, input.frontend, argv, options, watch));
      });
    },
  };
}

function parseTopology(output: string): Topology {
  return parseInput(topologySchema, JSON.parse(output), 'the topology that the frontend tells');
}
