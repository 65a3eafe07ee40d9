import { z } from 'zod';
import {
  accountSchema,
  clusterNameSchema,
  containerNameSchema,
  hostKeySchema,
  interfaceNameSchema,
  ipv4Schema,
  macSchema,
  portRangeSchema,
  portSchema,
  siteNameSchema,
  sshAddressSchema,
} from './names.ts';
import { markSchema } from './mark.ts';
import { publicKeySchema } from './link-key.ts';

/** A machine that ssh reaches. */
const sshHostSchema = z.strictObject({
  address: sshAddressSchema,
  port: portSchema.default(22),
  user: accountSchema.default('mvc'),
  hostKey: hostKeySchema,
});

const uniqueNames = (items: { name: string }[]) =>
  new Set(items.map((item) => item.name)).size === items.length;

/** The site's own network, in which the cluster's frontend VM gets its second interface. */
export const siteNetworkSchema = z.strictObject({
  /** Bridge on each VM container that leads into the site's network. */
  bridge: interfaceNameSchema,
  gateway: ipv4Schema,
  prefixLength: z.int().min(8).max(30),
  dns: ipv4Schema.optional(),
  /** Addresses that the site's administrator gave to us. */
  addresses: z.array(ipv4Schema).min(1).max(64),
});
export type SiteNetwork = z.infer<typeof siteNetworkSchema>;

export const libvirtSiteSchema = z.strictObject({
  name: siteNameSchema,
  kind: z.literal('libvirt'),
  /** Absolute path of the private key, on the machine of the site's worker. Never the key itself. */
  key: z
    .string()
    .regex(/^\/[^\0\n]+$/, 'must be the absolute path of a private key file')
    .max(4096),
  /** The physical frontend: ssh reaches it, and through it the VM containers. */
  frontend: sshHostSchema.extend({
    /** Where the other sites' UDP reaches this site's physical frontend. */
    publicAddress: ipv4Schema,
    /** The physical frontend as the site's VM containers see it. */
    lanAddress: ipv4Schema,
    /** Whether UDP from outside arrives at the public address, at the ports of `udpPorts`. */
    inbound: z.boolean().default(true),
  }),
  containers: z
    .array(sshHostSchema.extend({ name: containerNameSchema }))
    .min(1, 'a site needs at least one VM container')
    .max(256)
    .refine(uniqueNames, 'VM container names must differ'),
  network: siteNetworkSchema,
  /** UDP ports for overlays, agreed with the site's administrator. */
  udpPorts: portRangeSchema,
});
export type LibvirtSite = z.infer<typeof libvirtSiteSchema>;

/** A site that exists in memory only: for tests, demonstrations and dry runs. */
export const memorySiteSchema = z.strictObject({
  name: siteNameSchema,
  kind: z.literal('memory'),
  containers: z
    .array(
      z.strictObject({
        name: containerNameSchema,
        cpus: z.int().min(1).max(1024).default(16),
        memoryMiB: z.int().min(256).max(4_194_304).default(32_768),
      }),
    )
    .min(1)
    .max(256)
    .refine(uniqueNames, 'VM container names must differ'),
  publicAddress: ipv4Schema.default('192.0.2.1'),
  network: siteNetworkSchema.prefault({
    bridge: 'lan0',
    gateway: '192.168.10.1',
    prefixLength: 24,
    addresses: ['192.168.10.100', '192.168.10.101', '192.168.10.102', '192.168.10.103'],
  }),
  udpPorts: portRangeSchema.prefault({ first: 7700, last: 8700 }),
  /** Milliseconds that each call to the site takes. */
  delayMs: z.int().min(0).max(60_000).default(0),
});
export type MemorySite = z.infer<typeof memorySiteSchema>;

/** A site as it is registered: what the administrator of the site told us. */
export const siteSchema = z.discriminatedUnion('kind', [libvirtSiteSchema, memorySiteSchema], {
  error: ({ code, input }) => {
    if (code !== 'invalid_union') return undefined;
    const kind = (input as { kind?: unknown } | undefined)?.kind;
    return `site kind ${JSON.stringify(kind)} is unknown; known: libvirt, memory`;
  },
});
export type Site = z.infer<typeof siteSchema>;
export type SiteInput = z.input<typeof siteSchema>;
export type SiteKind = Site['kind'];

/** The address at which a site's overlay ports are reached by the other sites. */
export function publicAddressOf(site: Site): string {
  return site.kind === 'libvirt' ? site.frontend.publicAddress : site.publicAddress;
}

/** Name of the physical frontend among a site's hosts; no VM container may be called so. */
export const physicalFrontend = 'physical-frontend';

/**
 * Whether the physical frontend is this VM container, too: the machine at its own address with its own
 * host key. An sshd of its own behind the same address has another key.
 */
export function isFrontendToo(
  { frontend }: Pick<LibvirtSite, 'frontend'>,
  container: Pick<LibvirtSite['containers'][number], 'address' | 'hostKey'>,
): boolean {
  return container.address === frontend.lanAddress && container.hostKey === frontend.hostKey;
}

/** A domain that exists at a VM container, whoever made it. */
export const foundDomainSchema = z.strictObject({
  name: z.string().max(256),
  macs: z.array(macSchema.or(z.string().max(32))),
  /** Absent if the domain is not ours: it has no mark of any installation. */
  mark: markSchema.optional(),
  /** What a reservation takes that nobody booted and whose lease is over: its installation gets it back. */
  lapsed: z.strictObject({ cpus: z.int().min(0), memoryMiB: z.int().min(0) }).optional(),
});
export type FoundDomain = z.infer<typeof foundDomainSchema>;

/** What a host says of itself. Sizes in MiB. */
export const hostFactsSchema = z.strictObject({
  /** `physical-frontend`, or the VM container's name as its own policy has it. */
  host: containerNameSchema,
  /** Raw X25519 public key, base64: what is sealed to it only this host can open. */
  sealKey: z.string().max(64),
  /** Public key of the host's WireGuard links; the private one never leaves it. VM containers only. */
  linkKey: publicKeySchema.optional(),
  /** Program → version, as found; a program that is missing is not in it. */
  tools: z.record(z.string(), z.string().max(200)),
  /** Programs that this kind of host needs and has not, with the Debian package that has them. */
  missing: z.array(z.strictObject({ tool: z.string(), package: z.string() })),
  /** VM containers only. */
  capacity: z
    .strictObject({
      virtualization: z.enum(['kvm', 'tcg']),
      cpus: z.int().min(0),
      memoryMiB: z.int().min(0),
      /** Given to all domains there, whoever made them and whether they run or not. */
      committedCpus: z.int().min(0),
      committedMiB: z.int().min(0),
      poolFreeMiB: z.int().min(0),
    })
    .optional(),
  domains: z.array(foundDomainSchema),
});
export type HostFacts = z.infer<typeof hostFactsSchema>;

/** What a whole site says of itself: one entry for the physical frontend and one per container. */
export const siteFactsSchema = z.strictObject({
  site: siteNameSchema,
  hosts: z.array(hostFactsSchema).min(1),
});
export type SiteFacts = z.infer<typeof siteFactsSchema>;

/**
 * The facts as a reservation will find them: what an installation's own lapsed reservations take counts
 * as free, since they give way. Those of the cluster that asks stay counted: it renews them.
 */
export function withoutLapsed(
  facts: SiteFacts,
  asker: { installation: string; clusterId?: string },
): SiteFacts {
  return { ...facts, hosts: facts.hosts.map((host) => hostWithoutLapsed(host, asker)) };
}

function hostWithoutLapsed(
  host: HostFacts,
  { installation, clusterId }: { installation: string; clusterId?: string },
): HostFacts {
  if (!host.capacity) return host;
  const lapsed = host.domains
    .filter(({ mark }) => mark?.installation === installation && mark.clusterId !== clusterId)
    .flatMap((domain) => domain.lapsed ?? []);
  const { committedCpus, committedMiB } = host.capacity;
  return {
    ...host,
    capacity: {
      ...host.capacity,
      committedCpus: lapsed.reduce((left, { cpus }) => left - cpus, committedCpus),
      committedMiB: lapsed.reduce((left, { memoryMiB }) => left - memoryMiB, committedMiB),
    },
  };
}

export function hostFacts(facts: SiteFacts, host: string): HostFacts | undefined {
  return facts.hosts.find((each) => each.host === host);
}

/** Something at a site that carries our mark. */
export const ownedThingSchema = z.strictObject({
  host: z.string(),
  kind: z.enum(['vm', 'service', 'interface', 'firewall', 'file']),
  name: z.string(),
  installation: z.string(),
  cluster: clusterNameSchema,
  clusterId: z.string(),
});
export type OwnedThing = z.infer<typeof ownedThingSchema>;
