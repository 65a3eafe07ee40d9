import { z } from 'zod';
import { publicKeySchema } from './link-key.ts';
import {
  cidrSchema,
  containerNameSchema,
  interfaceNameSchema,
  ipv4Schema,
  macSchema,
  portSchema,
  siteNameSchema,
  vmNameSchema,
} from './names.ts';

export const n2nInsecureReason =
  'n2n 1.3 encrypts with one key per cluster but authenticates nobody: whoever reaches the supernode can claim any MAC';
export const vxlanInsecureReason =
  'VXLAN without WireGuard neither encrypts nor authenticates: whoever reaches a VM container can read and write frames';

export const overlayKinds = ['n2n', 'routed', 'vxlan', 'memory'] as const;
export type OverlayKind = (typeof overlayKinds)[number];

/** Kinds that join VM containers rather than VMs: their table has peers, and each container a gateway. */
export function joinsContainers(kind: OverlayKind): boolean {
  return kind === 'routed' || kind === 'vxlan';
}

/** Networks outside that the VMs of a routed overlay may reach by their VM containers. */
export const outsideSchema = z.array(cidrSchema).max(20, 'at most 20 networks');

/** One VM's place in the overlay, in every kind. */
export const edgeSchema = z.strictObject({
  vm: vmNameSchema,
  site: siteNameSchema,
  container: containerNameSchema,
  /** Tap device of the edge (n2n), and the bridge that the VM's interface joins. */
  tap: interfaceNameSchema,
  bridge: interfaceNameSchema,
  mac: macSchema,
  address: ipv4Schema,
  /** n2n: fixed, so that an edge that is started again keeps its public socket (1.3 needs it). */
  udpPort: portSchema.optional(),
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

/** A VM container's place in an overlay that joins containers. Its VMs' addresses are those of its edges. */
export const peerSchema = z.strictObject({
  /** Of all the cluster's containers; the addresses inside the links are made of it. */
  number: z.int().min(1).max(4000),
  site: siteNameSchema,
  container: containerNameSchema,
  publicKey: publicKeySchema,
  /** Where the containers of its own site reach it. */
  lanAddress: ipv4Schema,
  /** Its site's, and whether the site hands UDP that arrives there on to it. */
  publicAddress: ipv4Schema,
  inbound: z.boolean(),
  /** Of the device for direct links, at the container and at the site's public address. */
  port: portSchema,
  /** Set at relays: of the device through which the others' traffic goes; TCP too, where UDP is blocked. */
  relayPort: portSchema.optional(),
  /** Its VMs, of which every container must know: a site is told of its own edges only. */
  vms: z.array(z.strictObject({ mac: macSchema, address: ipv4Schema })).max(1000),
});
export type Peer = z.infer<typeof peerSchema>;

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
  /** Kinds `routed` and `vxlan`: every VM container that has an edge. */
  peers: z.array(peerSchema).optional(),
  /** Kind `routed`: networks that the VMs may reach besides; absent if there are none. */
  outside: outsideSchema.min(1).optional(),
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

/** How a VM container of a routed overlay reaches another one. */
export const pathSchema = z.strictObject({
  /** `<site>/<container>`. */
  from: z.string().max(41),
  to: z.string().max(41),
  /** `lan`: through the site's own network; `direct`: between the sites; `relayed`: by way of `via`. */
  class: z.enum(['lan', 'direct', 'relayed', 'down']),
  via: z.string().max(41).optional(),
  /** `tcp` where the site lets no UDP out. */
  carrier: z.enum(['udp', 'tcp']),
  rttMs: z.number().optional(),
  /** Largest packet that was seen to pass, bytes. */
  mtu: z.int().optional(),
  /** Seconds since 1970. */
  since: z.number(),
});
export type Path = z.infer<typeof pathSchema>;

/** The paths of a whole cluster, as its VM containers know them. */
export const clusterPathsSchema = z.strictObject({
  /** None for kinds that choose no paths. */
  paths: z.array(pathSchema),
  /** Sites that did not answer. */
  silent: z.array(siteNameSchema),
});
export type ClusterPaths = z.infer<typeof clusterPathsSchema>;

/** Why the overlay is called insecure, wherever it is shown; nothing if it is not. */
export function insecureReasonOf(
  overlay: Pick<OverlayTable, 'kind' | 'version' | 'peers'>,
): string | undefined {
  if (overlay.kind === 'n2n' && overlay.version.startsWith('1.')) return n2nInsecureReason;
  return overlay.kind === 'vxlan' && isInClear(overlay) ? vxlanInsecureReason : undefined;
}

/** Of kind `vxlan`: without links between the containers there are no relays of theirs. */
export function isInClear({ peers = [] }: Pick<OverlayTable, 'peers'>): boolean {
  return peers.every(({ relayPort }) => relayPort === undefined);
}

/** What the other containers must know of the VMs at one, by its edges. */
export function vmsAt(
  edges: Edge[],
  { site, container }: Pick<Peer, 'site' | 'container'>,
): Peer['vms'] {
  return edges
    .filter((edge) => edge.site === site && edge.container === container)
    .map(({ mac, address }) => ({ mac, address }));
}

/** The UDP ports that the overlay has at its sites. */
export function portsOf({
  edges,
  supernode,
  peers = [],
}: Pick<OverlayTable, 'supernode' | 'peers'> & { edges: readonly Edge[] }): SitePort[] {
  const ports = [
    ...(supernode ? [supernode] : []),
    ...edges.map(({ site, udpPort }) => ({ site, port: udpPort })),
    ...peers.map(({ site, port }) => ({ site, port })),
    ...peers.map(({ site, relayPort }) => ({ site, port: relayPort })),
  ];
  return ports.flatMap(({ site, port }) => (port === undefined ? [] : [{ site, port }]));
}

/** A UDP port in use at a site. */
export interface SitePort {
  site: string;
  port: number;
}
