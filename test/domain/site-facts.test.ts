import { describe, expect, it } from 'vitest';
import { withoutLapsed, type SiteFacts } from '../../src/domain/site.ts';

const own = '3f0c8a52-77f4-4d0e-9d1e-6c2b7e9a1d10';
const theirs = '91d3c3c4-8f2a-4b7e-8a55-0d5a3c1f7b21';

const domain = (installation: string, clusterId: string, lapsed?: boolean) => ({
  name: `${clusterId}-vm`,
  macs: [],
  mark: { installation, cluster: 'alpha', clusterId },
  ...(lapsed ? { lapsed: { cpus: 2, memoryMiB: 1024 } } : {}),
});

const facts: SiteFacts = {
  site: 'a',
  hosts: [
    { host: 'physical-frontend', sealKey: '', tools: {}, missing: [], domains: [] },
    {
      host: 'h1',
      sealKey: '',
      tools: {},
      missing: [],
      capacity: {
        virtualization: 'kvm',
        cpus: 16,
        memoryMiB: 16_384,
        committedCpus: 8,
        committedMiB: 8192,
        poolFreeMiB: 1000,
      },
      domains: [
        domain(own, 'c0ffee000001', true),
        domain(own, 'c0ffee000002', true),
        domain(own, 'c0ffee000003'),
        domain(theirs, 'c0ffee000004', true),
      ],
    },
  ],
};

const committed = (seen: SiteFacts) => {
  const { committedCpus, committedMiB } = seen.hosts[1]!.capacity!;
  return [committedCpus, committedMiB];
};

describe('what lapsed reservations take', () => {
  it('counts as free for the installation that made them', () => {
    expect(committed(withoutLapsed(facts, { installation: own }))).toEqual([4, 6144]);
    expect(committed(withoutLapsed(facts, { installation: theirs }))).toEqual([6, 7168]);
    expect(committed(facts), 'the facts themselves are as they were').toEqual([8, 8192]);
  });

  it('stays counted for the cluster that renews it', () => {
    const asker = { installation: own, clusterId: 'c0ffee000001' };
    expect(committed(withoutLapsed(facts, asker))).toEqual([6, 7168]);
  });
});
