import { z } from 'zod';
import { clusterNameSchema } from './names.ts';

/** Input of the workflow `clusterTopology`. */
export const topologyRequestSchema = z.strictObject({
  name: clusterNameSchema,
  /** Measure anew, though it was measured before. */
  measure: z.boolean().default(false),
});
export type TopologyRequest = z.input<typeof topologyRequestSchema>;

const latencies = z.array(z.strictObject({ from: z.string(), to: z.string(), ms: z.number() }));

/** How far the sites and nodes of a cluster are from each other, as its frontend has it. */
export const topologySchema = z.strictObject({
  cluster: z.string(),
  /** When nodes and bandwidth were measured; seconds since 1970 by the frontend's clock. */
  measuredAt: z.number().nullable(),
  /** The frontend is among the nodes of its site. */
  sites: z.array(z.strictObject({ name: z.string(), nodes: z.array(z.string()) })),
  /** Round-trip times, the same in both directions: each pair is in it once. */
  latency: z.strictObject({ sites: latencies, nodes: latencies }),
  /** From one node of a site to one of another, by MPI. Sites whose nodes are all taken are not in it. */
  bandwidth: z.strictObject({
    sites: z.array(z.strictObject({ from: z.string(), to: z.string(), mbitPerSecond: z.number() })),
  }),
});
export type Topology = z.infer<typeof topologySchema>;

/** Whether all that can be measured between these sites was: a site may have joined since. */
export function isMeasured({ bandwidth }: Topology, sites: string[]): boolean {
  const names = [...new Set(sites)];
  const known = (from: string, to: string) =>
    bandwidth.sites.some((pair) => pair.from === from && pair.to === to);
  return names.every((from) => names.every((to) => from === to || known(from, to)));
}
