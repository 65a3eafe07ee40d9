import { describe, expect, it } from 'vitest';
import type { ClusterSpec, ClusterSpecInput } from '../../src/domain/cluster.ts';
import type { ChangedPlan } from '../../src/domain/plan-change.ts';
import { isEmptyChange } from '../../src/domain/plan-change.ts';
import type { RecordedCluster } from '../../src/domain/recorded-cluster.ts';
import { replanCluster } from '../../src/domain/replan.ts';
import { scaledSpec } from '../../src/domain/spec-change.ts';
import { libvirtSite, clusterSpec } from '../helpers/specs.ts';
import { clusterId, factsWith, planInput, recordedCluster, withState } from '../helpers/replans.ts';

const namesOf = (vms: { name: string }[]) => vms.map((vm) => vm.name);

function scaled(recorded: RecordedCluster, computes: Record<string, number>): ChangedPlan {
  return replanCluster(planInput(scaledSpec(recorded.spec, computes)), recorded);
}

/** The cluster as the store has it after the change was recorded. */
function record(recorded: RecordedCluster, { spec, plan, change }: ChangedPlan): RecordedCluster {
  const before = recorded.vms.map((vm) =>
    change.removed.includes(vm.name) ? { ...vm, state: 'leaving' } : vm,
  );
  const added = change.added.map((vm) => ({ ...vm, state: 'planned' }));
  const others = recorded.overlay.edges.filter(
    (edge) => !plan.overlay.edges.some((each) => each.vm === edge.vm),
  );
  const edges = [...plan.overlay.edges, ...others];
  return { ...recorded, spec, vms: [...before, ...added], overlay: { ...plan.overlay, edges } };
}

function forget(recorded: RecordedCluster, names: string[]): RecordedCluster {
  const edges = recorded.overlay.edges.filter((edge) => !names.includes(edge.vm));
  return {
    ...recorded,
    vms: recorded.vms.filter((vm) => !names.includes(vm.name)),
    overlay: { ...recorded.overlay, edges },
  };
}

describe('the same spec', () => {
  it('changes nothing of a cluster that is as planned', () => {
    const recorded = recordedCluster('ready');
    const { plan, change } = replanCluster(planInput(recorded.spec), recorded);
    expect(isEmptyChange(change)).toBe(true);
    expect(plan.overlay).toEqual(recorded.overlay);
    expect(plan.vms).toEqual(recorded.vms.map(({ state: _state, ...vm }) => vm));
  });
});

describe('more computes at a site', () => {
  it('join with the next names, MACs, addresses and ports; all others keep theirs', () => {
    const recorded = recordedCluster('ready');
    const { plan, change } = scaled(recorded, { beach: 3 });
    expect(change).toMatchObject({
      spec: ['sites.beach.computes: 1 → 3'],
      changed: [],
      removed: [],
      added: [
        { name: 'compute-beach-1', site: 'beach', mac: '02:a1:b2:c3:00:05', address: '10.77.1.5' },
        { name: 'compute-beach-2', site: 'beach', mac: '02:a1:b2:c3:00:06', address: '10.77.1.6' },
      ],
    });
    for (const vm of recorded.vms) {
      expect(plan.vms.find((each) => each.name === vm.name)).toMatchObject({
        mac: vm.mac,
        address: vm.address,
        container: vm.container,
      });
    }
    expect(plan.overlay.edges).toEqual(expect.arrayContaining(recorded.overlay.edges));
    const ports = plan.overlay.edges.filter((edge) => edge.site === 'beach');
    expect(ports.map((edge) => edge.udpPort)).toEqual([7700, 7701, 7702]);
  });

  it('may be at a site that was not in the cluster', () => {
    const { plan, change } = scaled(recordedCluster('ready'), { desert: 2 });
    expect(namesOf(change.added)).toEqual(['compute-desert-0', 'compute-desert-1']);
    expect(plan.overlay.edges.filter((edge) => edge.site === 'desert')).toHaveLength(2);
  });

  it('cannot be at a site that is not registered', () => {
    const recorded = recordedCluster('ready');
    const spec = scaledSpec(recorded.spec, { fjord: 1 });
    expect(() => replanCluster(planInput(spec), recorded)).toThrow(
      expect.objectContaining({ kind: 'BadInput', message: expect.stringContaining('fjord') }),
    );
  });

  it('are refused in words when the network is full', () => {
    const recorded = recordedCluster('ready', clusterSpec({ network: '10.9.0.0/28' }));
    expect(scaled(recorded, { beach: 11 }).plan.vms).toHaveLength(14);
    const leaving = withState(recorded, ['compute-cloud-0'], 'leaving');
    expect(() => scaled(leaving, { beach: 11 })).toThrow(
      expect.objectContaining({
        kind: 'NoCapacity',
        message: expect.stringMatching(/10\.9\.0\.0\/28 has no free address.*1 of them leaving/),
      }),
    );
  });

  it('pass over MACs that somebody else has', () => {
    const recorded = recordedCluster('ready');
    const spec = scaledSpec(recorded.spec, { beach: 2 });
    const ledger = { networks: [], macs: ['02:a1:b2:c3:00:05'], ports: {}, siteAddresses: {} };
    const { change } = replanCluster(planInput(spec, { ledger }), recorded);
    expect(change.added[0]).toMatchObject({ mac: '02:a1:b2:c3:00:06', address: '10.77.1.6' });
  });

  it('pass over MACs that a domain has, also at a site where the cluster is not', () => {
    const recorded = recordedCluster('ready');
    const spec = scaledSpec(recorded.spec, { beach: 2 });
    const { sites } = planInput(spec);
    const desert = sites.filter(({ site }) => site.name === 'desert');
    desert[0]?.facts.hosts[1]?.domains.push({ name: 'theirs', macs: ['02:A1:B2:C3:00:05'] });
    const input = planInput(spec, {
      sites: sites.filter((each) => !desert.includes(each)),
      elsewhere: desert,
    });
    expect(replanCluster(input, recorded).change.added[0]).toMatchObject({
      mac: '02:a1:b2:c3:00:06',
    });
  });

  it("cannot be at a site whose own network overlaps the cluster's", () => {
    const recorded = recordedCluster('ready');
    const input = planInput(scaledSpec(recorded.spec, { desert: 1 }));
    const desert = input.sites.find(({ site }) => site.name === 'desert')?.site;
    if (desert) desert.network.gateway = '10.77.1.1';
    expect(() => replanCluster(input, recorded)).toThrow(
      expect.objectContaining({
        kind: 'Conflict',
        message: expect.stringContaining('own network of site desert'),
      }),
    );
  });

  it('do not take the name of a domain that is somebody else’s', () => {
    const recorded = recordedCluster('ready');
    const input = planInput(scaledSpec(recorded.spec, { beach: 2 }));
    const host = input.sites[1]?.facts.hosts[2];
    if (host) host.domains = [{ name: 'demo-compute-beach-1', macs: [] }];
    expect(() => replanCluster(input, recorded)).toThrow(
      expect.objectContaining({
        kind: 'Conflict',
        message: expect.stringContaining('demo-compute-beach-1 at h2'),
      }),
    );
  });
});

describe('fewer computes at a site', () => {
  it('let those with the highest numbers leave', () => {
    const before = recordedCluster(
      'ready',
      clusterSpec({
        sites: [
          { name: 'alpine', computes: 1 },
          { name: 'beach', computes: 12 },
        ],
      }),
    );
    const { plan, change } = scaled(before, { beach: 9 });
    expect(change.removed.toSorted()).toEqual([
      'compute-beach-10',
      'compute-beach-11',
      'compute-beach-9',
    ]);
    expect(plan.overlay.edges.some((edge) => change.removed.includes(edge.vm))).toBe(false);
  });

  it('of a site that is taken out are all that it has', () => {
    const { plan, change } = scaled(recordedCluster('ready'), { cloud: 0 });
    expect(change.removed).toEqual(['compute-cloud-0']);
    expect(plan.vms.map((vm) => vm.site)).not.toContain('cloud');
  });

  it('at the origin never take the frontend', () => {
    const { change } = scaled(recordedCluster('ready'), { alpine: 0 });
    expect(change.removed).toEqual(['compute-alpine-0']);
  });

  it('keep all that they have until they are gone', () => {
    const recorded = recordedCluster('ready');
    const less = record(recorded, scaled(recorded, { cloud: 0 }));
    const [again] = scaled(less, { cloud: 1 }).change.added;
    expect(again).toMatchObject({ name: 'compute-cloud-1', address: '10.77.1.5' });
    const gone = forget(less, ['compute-cloud-0']);
    const [anew] = scaled(gone, { cloud: 1 }).change.added;
    expect(anew).toMatchObject({ name: 'compute-cloud-0', address: '10.77.1.4' });
  });
});

describe('other sizes', () => {
  const larger: Partial<ClusterSpecInput> = { compute: { memoryMiB: 4096 } };

  function resized(
    recorded: RecordedCluster,
    memoryMiB: number,
    change = larger,
  ): Pick<ChangedPlan, 'change' | 'plan'> {
    const spec = clusterSpec(change);
    const sites = ['alpine', 'beach', 'cloud'].map((name) => {
      const site = libvirtSite(name, 2);
      return { site, facts: factsWith(site, recorded.vms, memoryMiB) };
    });
    return replanCluster(planInput(spec, { sites }), recorded);
  }

  it('leave each VM its name, MAC, address and place, if it has room there', () => {
    const recorded = recordedCluster('ready');
    const { change } = resized(recorded, 8192);
    expect(change).toMatchObject({ added: [], removed: [] });
    expect(namesOf(change.changed)).toEqual([
      'compute-alpine-0',
      'compute-beach-0',
      'compute-cloud-0',
    ]);
    expect(change.changed[1]).toMatchObject({ address: '10.77.1.3', memoryMiB: 4096 });
  });

  it('count the room that the VM has already', () => {
    const recorded = recordedCluster('ready');
    // 4096 for the VM and 256 for the host: not a MiB more.
    expect(resized(recorded, 4352).change.added).toEqual([]);
    expect(() => resized(recorded, 4351)).toThrow(expect.objectContaining({ kind: 'NoCapacity' }));
  });

  it('let another VM join elsewhere for one that has no room at its place', () => {
    const recorded = recordedCluster('ready');
    const spec = clusterSpec(larger);
    const { sites } = planInput(spec);
    const beach = sites[1];
    const vm = recorded.vms.find((each) => each.site === 'beach');
    if (!beach || !vm) throw new Error('the plan has no VM at beach');
    beach.facts = factsWith(beach.site, recorded.vms);
    const host = beach.facts.hosts.find((each) => each.host === vm.container);
    if (host?.capacity) host.capacity.memoryMiB = 1024;
    const { change } = replanCluster(planInput(spec, { sites }), recorded);
    expect(change.removed).toEqual(['compute-beach-0']);
    expect(change.added).toMatchObject([{ name: 'compute-beach-1', memoryMiB: 4096 }]);
    expect(change.added[0]?.container).not.toBe(vm.container);
  });
});

describe('a plan that was never carried out', () => {
  it('is made anew where its VM container has no room any more', () => {
    const recorded = recordedCluster('planned');
    const spec = clusterSpec({ compute: { memoryMiB: 500 } });
    const input = planInput(spec);
    const vm = recorded.vms.find((each) => each.site === 'beach');
    const host = input.sites[1]?.facts.hosts.find((each) => each.host === vm?.container);
    if (host?.capacity) host.capacity.committedMiB = host.capacity.memoryMiB;
    const { change } = replanCluster(input, recorded);
    expect(change.removed).toEqual(['compute-beach-0']);
    expect(namesOf(change.added)).toEqual(['compute-beach-1']);
  });

  it('says what is missing when the frontend has no room at its place', () => {
    const recorded = recordedCluster('planned');
    const input = planInput(clusterSpec({ sites: [{ name: 'alpine', computes: 2 }] }));
    for (const { capacity } of input.sites[0]?.facts.hosts ?? []) {
      if (capacity) capacity.committedMiB = capacity.memoryMiB;
    }
    expect(() => replanCluster(input, recorded)).toThrow(
      expect.objectContaining({
        kind: 'NoCapacity',
        message: expect.stringMatching(
          /frontend VM has its place at VM container h1 of site alpine/,
        ),
      }),
    );
  });
});

describe('the overlay', () => {
  it('does not take a site with another version', () => {
    const recorded = recordedCluster('ready');
    const input = planInput(scaledSpec(recorded.spec, { beach: 2 }));
    for (const { facts } of input.sites) {
      for (const host of facts.hosts) host.tools['n2n'] = '3.1.1';
    }
    expect(() => replanCluster(input, recorded)).toThrow(
      expect.objectContaining({ kind: 'Conflict', message: expect.stringContaining('n2n 3.1') }),
    );
  });
});

/** A small seeded generator: the same seed gives the same scale sequence. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('any sequence of changes', () => {
  const unique = (values: (string | number)[]) => new Set(values).size === values.length;

  function check(recorded: RecordedCluster, seed: number): void {
    const where = `seed ${seed}`;
    const { vms, overlay } = recorded;
    expect(unique(namesOf(vms)), where).toBe(true);
    expect(unique(vms.map((vm) => vm.mac)), where).toBe(true);
    expect(unique(vms.map((vm) => vm.address)), where).toBe(true);
    expect(unique(overlay.edges.map((edge) => `${edge.site} ${edge.udpPort}`)), where).toBe(true);
    expect(unique(overlay.edges.map((edge) => edge.tap)), where).toBe(true);
    expect(overlay.edges, where).toHaveLength(vms.length);
    for (const vm of vms) expect(vm.mac.startsWith('02:a1:b2:c3:'), clusterId).toBe(true);
  }

  function checkCounts(recorded: RecordedCluster, spec: ClusterSpec, seed: number): void {
    for (const { name, computes } of spec.sites) {
      const there = recorded.vms.filter(
        (vm) => vm.site === name && vm.role === 'compute' && vm.state !== 'leaving',
      );
      expect(there.length, `seed ${seed}, site ${name}`).toBe(computes);
    }
  }

  it('gives nothing out twice, leaving VMs included, and moves nobody', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const draw = random(seed);
      let recorded = recordedCluster('ready');
      for (let round = 0; round < 25; round += 1) {
        const site = ['alpine', 'beach', 'cloud', 'desert'][draw(4)] ?? 'alpine';
        const computes = { [site]: draw(6), ...(draw(3) === 0 ? { alpine: 1 + draw(3) } : {}) };
        const total = scaledSpecOrNothing(recorded.spec, computes);
        if (!total) continue;
        const before = recorded;
        recorded = record(recorded, replanCluster(planInput(total), recorded));
        check(recorded, seed);
        checkCounts(recorded, total, seed);
        for (const vm of before.vms) {
          const { state: _state, ...same } = vm;
          expect(recorded.vms.find((each) => each.name === vm.name)).toMatchObject(same);
        }
        const leaving = recorded.vms.filter((vm) => vm.state === 'leaving');
        const gone = leaving.filter(() => draw(2) === 0);
        recorded = forget(recorded, namesOf(gone));
      }
    }
  });
});

function scaledSpecOrNothing(spec: ClusterSpec, computes: Record<string, number>) {
  try {
    return scaledSpec(spec, computes);
  } catch {
    return undefined;
  }
}
