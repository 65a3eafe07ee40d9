import { describe, expect, it } from 'vitest';
import { previewLines } from '../../src/cli/plan-lines.ts';
import { parseSiteCounts } from '../../src/cli/site-counts.ts';
import type { ClusterPlan } from '../../src/domain/plan.ts';
import type { PlanChange } from '../../src/domain/plan-change.ts';
import type { Vm } from '../../src/domain/vm.ts';

const vm: Vm = {
  name: 'compute-beach-1',
  role: 'compute',
  site: 'beach',
  container: 'h1',
  mac: '02:00:5e:10:00:03',
  address: '10.77.0.3',
  cpus: 1,
  memoryMiB: 512,
};
const plan: ClusterPlan = {
  cluster: 'demo',
  clusterId: '0123456789ab',
  network: '10.77.0.0/24',
  vms: [vm],
  overlay: {
    kind: 'memory',
    version: '1.0',
    community: 'abcdefgh',
    network: '10.77.0.0/24',
    mtu: 1400,
    relayOnly: false,
    edges: [],
  },
  warnings: ['the overlay exists in memory only'],
};
const nothing: PlanChange = { spec: [], added: [], changed: [], removed: [] };

describe('a plan', () => {
  it('of a new cluster shows every VM and the overlay', () => {
    expect(previewLines({ plan })).toEqual([
      'VM               ROLE     SITE   CONTAINER  MAC                ADDRESS    CPUS  MEMORY',
      'compute-beach-1  compute  beach  h1         02:00:5e:10:00:03  10.77.0.3  1     512 MiB',
      '',
      'overlay memory 1.0 on 10.77.0.0/24, MTU 1400, direct where possible',
      'warning: the overlay exists in memory only',
    ]);
  });

  it('shows what the overlay opens', () => {
    const overlay = { ...plan.overlay, outside: ['192.0.2.0/24', '198.51.100.7/32'] };
    expect(previewLines({ plan: { ...plan, overlay } })).toContain(
      'outside the overlay, by their VM containers, VMs reach 192.0.2.0/24, 198.51.100.7/32',
    );
  });

  it('of a cluster that is there shows the difference alone', () => {
    const change = {
      spec: ['sites.beach.computes: 1 → 2'],
      added: [vm],
      changed: [],
      removed: ['compute-cloud-0'],
    };
    const lines = previewLines({ plan, change });
    expect(lines.slice(0, 3)).toEqual([
      'cluster demo is there; this would change:',
      '  ~ sites.beach.computes: 1 → 2',
      'VMs to be made:',
    ]);
    expect(lines.slice(-2)).toEqual(['VMs to be drained and removed:', '  compute-cloud-0']);
  });

  it('shows what is free at the VM containers before and after, and how long it should take', () => {
    const [free, after] = [
      { cpus: 8, memoryMiB: 4096 },
      { cpus: 7, memoryMiB: 3584 },
    ];
    const rooms = [{ site: 'beach', container: 'h1', free, after }];
    expect(previewLines({ plan, rooms }).slice(-4)).toEqual([
      'SITE   CONTAINER  FREE CPUS  FREE MEMORY',
      'beach  h1         8 → 7      4096 → 3584 MiB',
      '',
      'no estimate yet: no build of this shape was recorded',
    ]);
    const estimate = {
      kind: 'build' as const,
      basis: 'same' as const,
      operations: 2,
      totalMs: 90_000,
      steps: [],
      closingMs: 0,
    };
    expect(previewLines({ plan, rooms, estimate }).at(-1)).toBe(
      'should take about 1 min 30 s, by 2 builds of this shape',
    );
    expect(
      previewLines({ plan, rooms, estimate: { ...estimate, basis: 'similar', operations: 1 } }).at(
        -1,
      ),
    ).toBe('should take about 1 min 30 s, by what its sites took in 1 build of other shapes');
  });

  it('of a cluster that is as wanted says that there is nothing to change', () => {
    expect(previewLines({ plan, change: nothing })).toEqual([
      'cluster demo is as the spec says: nothing to change',
    ]);
  });
});

describe('the sites to be scaled', () => {
  it('are read as words', () => {
    expect(parseSiteCounts(['beach=3', 'cloud=0'])).toEqual({ beach: 3, cloud: 0 });
  });

  it.each(['beach', 'beach=', 'beach=-1', 'beach=two', '=2'])('are refused as %s', (word) => {
    expect(() => parseSiteCounts([word])).toThrow('write SITE=N');
  });

  it('are refused if one is named twice', () => {
    expect(() => parseSiteCounts(['beach=1', 'beach=2'])).toThrow('site beach is named twice');
  });
});
