import type { HostFacts } from '../domain/site.ts';

/** Placeholder until the libvirt driver of the hosts is there. */
export interface VmHost {
  capacity(): Promise<NonNullable<HostFacts['capacity']>>;
  domains(): Promise<HostFacts['domains']>;
}

export function createVmHost(): VmHost {
  return {
    capacity: async () => ({
      virtualization: 'tcg',
      cpus: 0,
      memoryMiB: 0,
      committedCpus: 0,
      committedMiB: 0,
      poolFreeMiB: 0,
    }),
    domains: async () => [],
  };
}
