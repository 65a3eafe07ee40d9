import { createHash } from 'node:crypto';
import {
  clusterSpecSchema,
  type ClusterSpec,
  type ClusterSpecInput,
} from '../../src/domain/cluster.ts';
import { siteSchema, type Site, type SiteFacts } from '../../src/domain/site.ts';

/** A libvirt site with one or more VM containers. */
export function libvirtSite(name: string, containers = 1): Site {
  const hostKey = `SHA256:${'A'.repeat(43)}`;
  return siteSchema.parse({
    name,
    kind: 'libvirt',
    key: '/keys/site',
    frontend: {
      address: `${name}.example.org`,
      hostKey,
      publicAddress: '198.51.100.11',
      lanAddress: '192.168.10.1',
    },
    containers: Array.from({ length: containers }, (_, n) => ({
      name: `h${n + 1}`,
      address: `192.168.10.${n + 11}`,
      hostKey,
    })),
    network: {
      bridge: 'lan0',
      gateway: '192.168.10.1',
      prefixLength: 24,
      addresses: ['192.168.10.100', '192.168.10.101'],
    },
    udpPorts: { first: 7700, last: 7799 },
  });
}

/** What a VM container needs for a routed overlay. */
export const routedTools = { wg: '1.0', wireguard: 'kernel', dnsmasq: '2.89', nft: '1.0.6' };

/** A public key that is another one for each VM container. */
export function linkKeyOf(container: string): string {
  return createHash('sha256').update(container).digest('base64');
}

/** What a site with roomy, empty hosts says of itself. */
export function roomyFacts(
  site: Site,
  change: { memoryMiB?: number; n2n?: string; tools?: Record<string, string> } = {},
): SiteFacts {
  const common = {
    sealKey: 'AAAA',
    tools: { ...routedTools, n2n: change.n2n ?? '1.3.2', ...change.tools },
    missing: [],
    domains: [],
  };
  return {
    site: site.name,
    hosts: [
      { host: 'physical-frontend', ...common },
      ...site.containers.map((container) => ({
        host: container.name,
        ...common,
        linkKey: linkKeyOf(`${site.name}/${container.name}`),
        capacity: {
          virtualization: 'tcg' as const,
          cpus: 8,
          memoryMiB: change.memoryMiB ?? 8192,
          committedCpus: 0,
          committedMiB: 0,
          poolFreeMiB: 50_000,
        },
      })),
    ],
  };
}

/** A cluster over three sites with one compute each, unless told otherwise. */
export function clusterSpec(change: Partial<ClusterSpecInput> = {}): ClusterSpec {
  return clusterSpecSchema.parse({
    name: 'demo',
    origin: 'alpine',
    sites: [
      { name: 'alpine', computes: 1 },
      { name: 'beach', computes: 1 },
      { name: 'cloud', computes: 1 },
    ],
    overlay: { kind: 'n2n', insecure: true },
    ...change,
  });
}
