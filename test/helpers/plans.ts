import { randomBytes } from 'node:crypto';
import { clusterSpecSchema, type ClusterSpec } from '../../src/domain/cluster.ts';
import type { Ledger } from '../../src/domain/plan-input.ts';
import { planCluster } from '../../src/domain/plan.ts';
import { siteSchema, type Site, type SiteFacts } from '../../src/domain/site.ts';
import type { NewPlan } from '../../src/store/plans.ts';

export const installation = '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a';

export function memorySite(name: string, containers = ['vm0', 'vm1']): Site {
  return siteSchema.parse({
    name,
    kind: 'memory',
    containers: containers.map((each) => ({ name: each, cpus: 1024, memoryMiB: 1_000_000 })),
    network: {
      bridge: 'lan0',
      gateway: '192.168.10.1',
      prefixLength: 24,
      addresses: Array.from({ length: 40 }, (_, n) => `192.168.10.${100 + n}`),
    },
  });
}

export function factsOf(site: Site): SiteFacts {
  const host = (name: string) => ({ host: name, sealKey: '', tools: {}, missing: [], domains: [] });
  const capacity = {
    virtualization: 'tcg' as const,
    cpus: 1024,
    memoryMiB: 1_000_000,
    committedCpus: 0,
    committedMiB: 0,
    poolFreeMiB: 1_000_000,
  };
  return {
    site: site.name,
    hosts: [
      host('physical-frontend'),
      ...site.containers.map((container) => ({ ...host(container.name), capacity })),
    ],
  };
}

export function specOf(name: string, sites: Record<string, number>): ClusterSpec {
  return clusterSpecSchema.parse({
    name,
    origin: Object.keys(sites)[0],
    sites: Object.entries(sites).map(([site, computes]) => ({ name: site, computes })),
    overlay: { kind: 'memory' },
  });
}

export function newClusterId(): string {
  return randomBytes(6).toString('hex');
}

export const emptyLedger: Ledger = { networks: [], macs: [], ports: {}, siteAddresses: {} };

/** A plan as the product makes it. */
export function planOf(
  spec: ClusterSpec,
  ledger = emptyLedger,
  clusterId = newClusterId(),
): NewPlan {
  const sites = spec.sites.map((each) => {
    const site = memorySite(each.name);
    return { site, facts: factsOf(site) };
  });
  return { installation, spec, plan: planCluster({ spec, clusterId, sites, ledger }) };
}
