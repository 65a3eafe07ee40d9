import { z } from 'zod';
import { publicKeySchema } from './link-key.ts';
import {
  containerNameSchema,
  interfaceNameSchema,
  ipv4Schema,
  macSchema,
  portSchema,
  vmNameSchema,
} from './names.ts';
import { outsideSchema, pathSchema, seenEdgeSchema } from './overlay.ts';
import { sealedSchema } from './sealed.ts';

const nothing = z.strictObject({});
const numberSchema = z.int().min(1).max(4000);
const endpointSchema = z.strictObject({ address: ipv4Schema, port: portSchema });

/** One VM container's part of an overlay that joins containers: all that it must know, seen from where it is. */
export const routedOrderSchema = z.strictObject({
  container: containerNameSchema,
  /** Its own number. */
  self: numberSchema,
  /** As CIDR. */
  network: z.string().regex(/^[0-9.]+\/[0-9]{1,2}$/),
  /** Of the VMs' interfaces. */
  mtu: z.int().min(1280).max(9000),
  /** Address that the containers show their VMs. */
  gateway: ipv4Schema,
  /** The frontend VM, of which computes boot. */
  server: ipv4Schema,
  /** UDP port of the device for direct links. */
  port: portSchema,
  edges: z
    .array(
      z.strictObject({
        vm: vmNameSchema,
        bridge: interfaceNameSchema,
        mac: macSchema,
        address: ipv4Schema,
      }),
    )
    .min(1)
    .max(1000),
  /** In the same order at every container; each has a device of its own. */
  relays: z.array(z.strictObject({ number: numberSchema, endpoint: endpointSchema })).max(4),
  /** Networks that its VMs may reach by it besides the overlay. */
  outside: outsideSchema.min(1).optional(),
  /** Kind `vxlan`: what joins the VMs on layer 2. Without relays, the containers reach each other in clear. */
  layer2: z
    .strictObject({
      /** Of the cluster, 24 bits. */
      vni: z.int().min(1).max(0xff_ff_ff),
      /** UDP port on which the container takes frames. */
      port: portSchema,
      /** Every VM at other containers, and the number of its own. */
      remotes: z
        .array(z.strictObject({ mac: macSchema, address: ipv4Schema, at: numberSchema }))
        .max(65_536),
    })
    .optional(),
  /** All the other containers. */
  peers: z.array(
    z.strictObject({
      number: numberSchema,
      /** `<site>/<container>`, for people. */
      name: z.string().max(41),
      publicKey: publicKeySchema,
      addresses: z.array(ipv4Schema).max(1000),
      /** Of its device for direct links, where it can be reached unasked. */
      lanEndpoint: endpointSchema.optional(),
      publicEndpoint: endpointSchema.optional(),
    }),
  ),
});
export type RoutedOrder = z.infer<typeof routedOrderSchema>;

/** What a physical frontend hands on to the VM containers behind it. */
export const forwardSchema = z.strictObject({
  protocol: z.enum(['udp', 'tcp']),
  port: portSchema,
  to: ipv4Schema,
});
export type Forward = z.infer<typeof forwardSchema>;

/** Verbs of a routed overlay. */
export const routedVerbs = {
  'routed.apply': {
    input: z.strictObject({ order: routedOrderSchema, key: sealedSchema }),
    output: nothing,
  },
  'routed.describe': {
    input: nothing,
    output: z.strictObject({ edges: z.array(seenEdgeSchema), paths: z.array(pathSchema) }),
  },
  'routed.remove': { input: nothing, output: nothing },
  /** Physical frontend: makes what it hands on for the cluster exactly this. */
  'forward.apply': {
    input: z.strictObject({ forwards: z.array(forwardSchema).max(600) }),
    output: nothing,
  },
  'forward.remove': { input: nothing, output: nothing },
} as const;
