import { z } from 'zod';

const port = z.int().min(1).max(65_535);
const number = z.int().min(1).max(4000);
/** Names of interfaces reach `ip -batch`: no blank, no slash. */
const device = z.string().regex(/^[a-z0-9][a-z0-9-]{0,14}$/);
const endpoint = z.object({ address: z.ipv4(), port });

export type Endpoint = z.infer<typeof endpoint>;
export const endpointSchema = endpoint;

/** What the keeper of paths of one container is told: `paths.json`, replaced whole by a rename. */
export const pathsConfigSchema = z.object({
  version: z.literal(1),
  /** This container's number in the cluster. */
  self: number,
  /** The cluster's ULA /48 as `fdxx:xxxx:xxxx`; probe addresses are `<prefix6>:<device>::<number>`. */
  prefix6: z.string().regex(/^fd[0-9a-f]{2}(:[0-9a-f]{1,4}){2}$/),
  /** Largest packet inside the overlay, as set on the devices. */
  mtu: z.int().min(1280).max(9000),
  /** Keeps the VMs' traffic on the relays even where a direct path is up; direct links stay ready. */
  relayOnly: z.boolean().optional(),
  /** The device for direct links; all other containers are its peers. */
  direct: z.object({
    device,
    /** UDP port that its WireGuard listens on. */
    port,
  }),
  /** In the order of preference; the same at all containers. */
  relays: z
    .array(
      z.object({
        /** Of the container that relays. If it is `self`, this container is that relay. */
        number,
        /** The device here for this relay: one peer at a spoke, all peers at the relay itself. */
        device,
        /** Where the relay's device is reached by UDP from outside. */
        endpoint,
        /** Port at the endpoint's address on which the relay takes frames by TCP, for sites without UDP. */
        tcpPort: port.optional(),
      }),
    )
    .min(1)
    .max(2),
  /** All other containers of the cluster. */
  peers: z.array(
    z.object({
      number,
      /** WireGuard's, as base64; the same on all devices of the container. */
      publicKey: z.base64().length(44),
      /** `<site>/<container>`. */
      name: z.string().min(1).max(130),
      /** Of its VMs, inside the overlay. */
      addresses: z.array(z.ipv4()),
      /** Where its direct device is reached on the site's LAN, if it is at our site. */
      lanEndpoint: endpoint.optional(),
      /** Where its direct device is reached from outside, if its site hands this UDP port on to it. */
      publicEndpoint: endpoint.optional(),
    }),
  ),
});

export type PathsConfig = z.infer<typeof pathsConfigSchema>;
export type PathsPeer = PathsConfig['peers'][number];
