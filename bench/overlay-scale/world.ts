import type { PlanInput } from '../../src/domain/plan-input.ts';
import { planCluster, type ClusterPlan } from '../../src/domain/plan.ts';
import { replanCluster } from '../../src/domain/replan.ts';
import type { SiteFacts } from '../../src/domain/site.ts';
import { clusterSpec, libvirtSite, roomyFacts } from '../../test/helpers/specs.ts';

export const siteCount = 10;
export const containersPerSite = 10;
export const vmsPerContainer = 10;
export const containerCount = siteCount * containersPerSite;
export const vmCount = containerCount * vmsPerContainer;

export const clusterId = 'a1b2c3d4e5f6';
const names = Array.from({ length: siteCount }, (_, n) => `site-${n}`);
const perSite = containersPerSite * vmsPerContainer;

/** The cluster as it is planned first. */
export function planLarge(): ClusterPlan {
  return planCluster(input());
}

/** The same with one compute more at a site that neither has the frontend nor relays. */
export function planOneMore(before: ClusterPlan): ClusterPlan {
  const vms = before.vms.map((vm) => ({ ...vm, state: 'ready' }));
  const { network, overlay } = before;
  const recorded = { spec: input().spec, network, overlay, vms, wasReady: true };
  return replanCluster(input({ grown: names.at(-1) ?? '' }), recorded).plan;
}

function input({ grown }: { grown?: string } = {}): PlanInput {
  const [origin = ''] = names;
  const sites = names.map((name) => {
    // The frontend is one of the VMs of the first site.
    const computes = perSite - (name === origin ? 1 : 0) + (name === grown ? 1 : 0);
    return { name, computes };
  });
  return {
    clusterId,
    spec: clusterSpec({
      origin,
      sites,
      network: '10.77.0.0/21',
      frontend: { cpus: 1, memoryMiB: 1024 },
      compute: { cpus: 1, memoryMiB: 1024 },
      overlay: { kind: 'routed' },
    }),
    sites: names.map((name) => {
      const site = libvirtSite(name, containersPerSite);
      return { site, facts: withCpus(roomyFacts(site, { memoryMiB: 64_000 })) };
    }),
    ledger: { networks: [], macs: [], ports: {}, siteAddresses: {} },
  };
}

function withCpus(facts: SiteFacts): SiteFacts {
  const hosts = facts.hosts.map((host) =>
    host.capacity ? { ...host, capacity: { ...host.capacity, cpus: 64 } } : host,
  );
  return { ...facts, hosts };
}
