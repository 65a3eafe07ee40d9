import type { ClusterSpec } from '../../src/domain/cluster.ts';
import type { Ledger, PlanInput } from '../../src/domain/plan-input.ts';
import { planCluster } from '../../src/domain/plan.ts';
import type { RecordedCluster, RecordedVm } from '../../src/domain/recorded-cluster.ts';
import type { Site, SiteFacts } from '../../src/domain/site.ts';
import { domainName, type Vm } from '../../src/domain/vm.ts';
import { clusterSpec, libvirtSite, roomyFacts } from './specs.ts';

export const clusterId = 'a1b2c3d4e5f6';
const emptyLedger: Ledger = { networks: [], macs: [], ports: {}, siteAddresses: {} };

/** What planning needs to know, over four sites with two VM containers each. */
export function planInput(spec: ClusterSpec, change: Partial<PlanInput> = {}): PlanInput {
  const sites = ['alpine', 'beach', 'cloud', 'desert'].map((name) => {
    const site = libvirtSite(name, 2);
    return { site, facts: roomyFacts(site, { memoryMiB: 64_000 }) };
  });
  return { spec, clusterId, sites, ledger: emptyLedger, ...change };
}

/** A cluster as the store has it, all its VMs in one state. */
export function recordedCluster(state: string, spec = clusterSpec()): RecordedCluster {
  const { network, vms, overlay } = planCluster(planInput(spec));
  return {
    spec,
    network,
    overlay,
    vms: vms.map((vm) => ({ ...vm, state })),
    wasReady: state === 'ready',
  };
}

/** What a site says once these VMs are there. */
export function factsWith(site: Site, vms: Vm[], memoryMiB = 64_000): SiteFacts {
  const facts = roomyFacts(site, { memoryMiB });
  const hosts = facts.hosts.map((host) => {
    const here = vms.filter((vm) => vm.site === site.name && vm.container === host.host);
    if (!host.capacity) return host;
    const capacity = {
      ...host.capacity,
      cpus: 64,
      committedCpus: here.reduce((sum, vm) => sum + vm.cpus, 0),
      committedMiB: here.reduce((sum, vm) => sum + vm.memoryMiB, 0),
    };
    const mark = {
      installation: '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a',
      cluster: 'demo',
      clusterId,
    };
    const domains = here.map((vm) => ({
      name: domainName('demo', vm.name),
      macs: [vm.mac],
      mark,
    }));
    return { ...host, capacity, domains };
  });
  return { ...facts, hosts };
}

export function withState(
  recorded: RecordedCluster,
  names: string[],
  state: string,
): RecordedCluster {
  const vms = recorded.vms.map((vm): RecordedVm =>
    names.includes(vm.name) ? { ...vm, state } : vm,
  );
  return { ...recorded, vms };
}
