import { z } from 'zod';
import {
  containerNameSchema,
  interfaceNameSchema,
  ipv4Schema,
  macSchema,
  portSchema,
  siteNameSchema,
  vmNameSchema,
} from './names.ts';

export const overlayKinds = ['n2n', 'memory'] as const;
export type OverlayKind = (typeof overlayKinds)[number];

/** One VM's place in the overlay. */
export const edgeSchema = z.strictObject({
  vm: vmNameSchema,
  site: siteNameSchema,
  container: containerNameSchema,
  /** Tap device of the edge, and the bridge that joins it with the VM's interface. */
  tap: interfaceNameSchema,
  bridge: interfaceNameSchema,
  mac: macSchema,
  address: ipv4Schema,
  /** Fixed, so that an edge that is started again keeps its public socket (n2n 1.3 needs it). */
  udpPort: portSchema,
});
export type Edge = z.infer<typeof edgeSchema>;

/** The node that the edges register with, on the origin's physical frontend. */
export const supernodeSchema = z.strictObject({
  site: siteNameSchema,
  /** As the other sites reach it. */
  address: ipv4Schema,
  port: portSchema,
});
export type Supernode = z.infer<typeof supernodeSchema>;

/** The whole overlay as it should be. Its key travels apart, sealed. */
export const overlayTableSchema = z.strictObject({
  kind: z.enum(overlayKinds),
  /** Version family of the programs at every site, e.g. `1.3` or `3.1` for n2n. */
  version: z.string().regex(/^[0-9]+\.[0-9]+$/),
  /** Name of the overlay among others on the same programs. */
  community: z.string().regex(/^[a-z0-9]{8,16}$/),
  /** As CIDR, e.g. 10.77.1.0/24. */
  network: z.string().regex(/^[0-9.]+\/[0-9]{1,2}$/),
  mtu: z.int().min(576).max(9000),
  /** True: edges never talk to each other directly (n2n 1.3 has faults there). */
  relayOnly: z.boolean(),
  supernode: supernodeSchema.optional(),
  /** The edges that the receiving site must know. */
  edges: z.array(edgeSchema),
});
export type OverlayTable = z.infer<typeof overlayTableSchema>;

/** An edge as its container sees it. */
export const seenEdgeSchema = z.strictObject({
  vm: vmNameSchema,
  /** The process is there and the tap is in its bridge. */
  up: z.boolean(),
  /** It has registered with the supernode (or the kind has none). */
  registered: z.boolean(),
  detail: z.string().max(500).optional(),
});
export type SeenEdge = z.infer<typeof seenEdgeSchema>;

/** True for n2n 1.x, which authenticates nobody. */
export function isInsecure(overlay: Pick<OverlayTable, 'kind' | 'version'>): boolean {
  return overlay.kind === 'n2n' && overlay.version.startsWith('1.');
}
