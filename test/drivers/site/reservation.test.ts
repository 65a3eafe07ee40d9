import { describe, expect, it } from 'vitest';
import type { Operation } from '../../../src/domain/mark.ts';
import type { VmDefinition } from '../../../src/domain/vm.ts';
import { domainUuid } from '../../../src/drivers/site/domain-uuid.ts';
import {
  planReservation,
  type Capacity,
  type PresentDomain,
} from '../../../src/drivers/site/reservation.ts';

const operation: Operation = {
  mark: {
    installation: '3f0c8a52-77f4-4d0e-9d1e-6c2b7e9a1d10',
    cluster: 'alpha',
    clusterId: 'c0ffee123456',
  },
  epoch: 1,
};
const now = 1_000_000;

function vm(index: number, change: Partial<VmDefinition> = {}): VmDefinition {
  return {
    name: `compute-a-${index}`,
    role: 'compute',
    site: 'a',
    container: 'vm0',
    mac: `02:c0:ff:ee:00:0${index}`,
    address: `10.77.1.${index}`,
    cpus: 1,
    memoryMiB: 512,
    domain: `alpha-compute-a-${index}`,
    bridge: `bc0ffee12-${index}`,
    mtu: 1400,
    image: 'ab'.repeat(32),
    ...change,
  };
}

function reserved(index: number, leaseUntil: number, change: Partial<PresentDomain> = {}) {
  const domain: PresentDomain = {
    uuid: `uuid-${index}`,
    name: `beta-compute-a-${index}`,
    cpus: 1,
    memoryMiB: 512,
    macs: [`02:be:ta:00:00:0${index}`],
    power: 'off',
    mark: {
      mark: { ...operation.mark, cluster: 'beta', clusterId: 'beefbeefbeef' },
      vm: `compute-a-${index}`,
      image: 'ab'.repeat(32),
      leaseUntil,
      booted: false,
    },
    ...change,
  };
  return domain;
}

function capacity(domains: PresentDomain[], change: Partial<Capacity> = {}): Capacity {
  const sum = (key: 'cpus' | 'memoryMiB') => domains.reduce((all, each) => all + each[key], 0);
  return {
    virtualization: 'kvm',
    cpus: 4,
    memoryMiB: 2304,
    committedCpus: sum('cpus'),
    committedMiB: sum('memoryMiB'),
    poolFreeMiB: 10_000,
    ...change,
  };
}

const plan = (vms: VmDefinition[], domains: PresentDomain[], change: Partial<Capacity> = {}) =>
  planReservation(operation, vms, domains, capacity(domains, change), now);

describe('a reservation', () => {
  it('fills a VM container to the last MiB that is not kept for the host', () => {
    const four = [0, 1, 2, 3].map((index) => vm(index));
    expect(plan(four, []).vms).toHaveLength(4);
    expect(() => plan(four, [], { memoryMiB: 2303 })).toThrow(
      '2048 MiB more memory needed, 2047 of 2303 MiB left (0 given to domains, whoever made them, 256 kept for the host)',
    );
  });

  it('names everything that is lacking, with figures', () => {
    const big = vm(0, { cpus: 5, memoryMiB: 9000, diskGiB: 20 });
    expect(() => plan([big], [])).toThrow(
      /5 more cpus needed, 4 of 4 left .*; 9000 MiB more memory needed.*; 20480 MiB of disk needed, 10000 MiB left/,
    );
  });

  it('takes nothing away while there is room', () => {
    expect(plan([vm(0)], [reserved(1, now - 10)]).evict).toEqual([]);
  });

  it('takes away the reservations that ran out first, and no more than it needs', () => {
    const domains = [reserved(0, now - 1), reserved(1, now - 9), reserved(2, now - 5)];
    const three = [3, 4, 5].map((index) => vm(index));
    expect(plan(three, domains).evict.map((each) => each.uuid)).toEqual(['uuid-1', 'uuid-2']);
  });

  it('takes nothing away when even that would not make room', () => {
    const domains = [reserved(0, now - 1), reserved(1, now + 100)];
    expect(() => plan([vm(3, { cpus: 4 })], domains)).toThrow('4 more cpus needed');
  });

  it.each([
    ['booted once', { mark: { ...reserved(0, 0).mark!, booted: true } }],
    ['running', { power: 'running' as const }],
    [
      "another installation's",
      {
        mark: {
          ...reserved(0, 0).mark!,
          mark: { ...operation.mark, installation: '91d3c3c4-8f2a-4b7e-8a55-0d5a3c1f7b21' },
        },
      },
    ],
    ['not marked', { mark: undefined as never }],
  ])('never takes away a domain that is %s', (_what, change) => {
    const domain = reserved(0, now - 1, change);
    expect(() => plan([vm(3, { cpus: 4 })], [domain])).toThrow('more cpus needed');
  });

  it('counts a VM that is reserved already only by what it grows', () => {
    const own = reserved(0, now + 10, {
      uuid: domainUuid(operation.mark, 'compute-a-0'),
      name: 'alpha-compute-a-0',
      cpus: 3,
      mark: { ...reserved(0, now + 10).mark!, mark: operation.mark },
    });
    expect(plan([vm(0, { cpus: 4 })], [own]).vms[0]?.domain).toBe(own);
    expect(() => plan([vm(0, { cpus: 5 })], [own])).toThrow('2 more cpus needed, 1 of 4 left');
  });

  it('shrinks a VM even where too much is given away already', () => {
    const own = reserved(0, now + 10, {
      name: 'alpha-compute-a-0',
      cpus: 9,
      mark: { ...reserved(0, now + 10).mark!, mark: operation.mark },
    });
    expect(plan([vm(0, { cpus: 8 })], [own]).vms).toHaveLength(1);
  });

  it.each([
    ['name', { name: 'alpha-compute-a-0' }, 'a domain alpha-compute-a-0'],
    ['UUID', { uuid: domainUuid(operation.mark, 'compute-a-0') }, 'a domain with the UUID'],
    ['MAC', { macs: ['02:c0:ff:ee:00:00'] }, 'a domain with the MAC 02:c0:ff:ee:00:00'],
    ['MAC in the site network', { macs: ['02:c0:ff:ee:80:00'] }, 'the MAC 02:c0:ff:ee:80:00'],
  ])('refuses a %s that is taken, and says by whom', (_what, change, words) => {
    const siteInterface = { bridge: 'lan0', mac: '02:c0:ff:ee:80:00', address: '192.168.10.2' };
    const domains = [reserved(1, now + 10, change)];
    expect(() => plan([vm(0, { siteInterface })], domains)).toThrow(words);
    expect(() => plan([vm(0, { siteInterface })], domains)).toThrow('belongs to cluster beta');
  });
});
