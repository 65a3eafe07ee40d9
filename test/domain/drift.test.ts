import { describe, expect, it } from 'vitest';
import { findDrift, type SiteView, type WantedAtSite } from '../../src/domain/drift.ts';
import type { NodeState } from '../../src/domain/cluster.ts';

const wanted: WantedAtSite[] = [
  {
    site: 'alpine',
    isOrigin: true,
    running: ['frontend', 'compute-alpine-0'],
    stopped: [],
    leaving: [],
  },
  {
    site: 'beach',
    isOrigin: false,
    running: ['compute-beach-0'],
    stopped: ['compute-beach-1'],
    leaving: [],
  },
];

function vm(name: string, power: 'running' | 'off' | 'crashed' = 'running') {
  return { name, domain: `demo-${name}`, container: 'h1', power, booted: true };
}

function edge(name: string, registered = true) {
  return { vm: name, up: true, registered };
}

function soundViews(): Record<string, Extract<SiteView, { seen: unknown }>> {
  return {
    alpine: {
      seen: {
        vms: [vm('frontend'), vm('compute-alpine-0')],
        edges: [edge('frontend'), edge('compute-alpine-0')],
        supernodeUp: true,
      },
    },
    beach: {
      seen: {
        vms: [vm('compute-beach-0'), vm('compute-beach-1', 'off')],
        edges: [edge('compute-beach-0'), edge('compute-beach-1')],
      },
    },
  };
}

function node(name: string, phase = 'idle', state = phase): NodeState {
  return { name, state, fetchedAt: 1, phase };
}

const nodes = [node('compute-alpine-0'), node('compute-beach-0')];

describe('what is amiss', () => {
  it('is nothing, if all is as it should be, stopped VMs among it', () => {
    expect(findDrift(wanted, soundViews(), nodes)).toEqual([]);
  });

  it('is a VM that crashed, and not the node that it was as well', () => {
    const views = soundViews();
    if (views['beach']) views['beach'].seen.vms = [vm('compute-beach-0', 'crashed')];
    const found = findDrift(wanted, views, [node('compute-alpine-0')]);
    expect(found).toMatchObject([{ site: 'beach', kind: 'vm', name: 'compute-beach-0' }]);
  });

  it('is a dead supernode alone, since edges register again by themselves', () => {
    const views = soundViews();
    for (const view of Object.values(views)) {
      view.seen.edges = view.seen.edges.map(({ vm: name }) => edge(name, false));
    }
    if (views['alpine']) views['alpine'].seen.supernodeUp = false;
    expect(findDrift(wanted, views, nodes)).toMatchObject([{ kind: 'supernode', site: 'alpine' }]);
  });

  it('is an edge that is not registered, while the supernode is up', () => {
    const views = soundViews();
    if (views['beach']) views['beach'].seen.edges = [edge('compute-beach-0', false)];
    expect(findDrift(wanted, views, nodes).map(({ message }) => message)).toEqual([
      'the edge of compute-beach-0 at site beach is not registered',
      'the edge of compute-beach-1 at site beach is gone',
    ]);
  });

  it('is a running compute that the scheduler has lost, but not one that an administrator drained', () => {
    const lost = [node('compute-alpine-0', 'services', 'unresponsive'), node('compute-beach-0')];
    expect(findDrift(wanted, soundViews(), lost)).toMatchObject([
      { kind: 'node', name: 'compute-alpine-0' },
    ]);
    const drained = [node('compute-alpine-0', 'drained'), node('compute-beach-0')];
    expect(findDrift(wanted, soundViews(), drained)).toEqual([]);
  });

  it('is a VM that was left behind when it should have gone', () => {
    const behind = wanted.map((site) =>
      site.isOrigin ? site : { ...site, leaving: ['compute-beach-2'] },
    );
    expect(findDrift(behind, soundViews(), nodes).map(({ message }) => message)).toEqual([
      'VM compute-beach-2 is still to be removed from site beach',
    ]);
  });

  it('is a site that did not answer, with its reason', () => {
    const views = { ...soundViews(), beach: { silent: 'site beach is away' } };
    expect(findDrift(wanted, views, [node('compute-alpine-0'), node('compute-beach-0')])).toEqual([
      {
        site: 'beach',
        kind: 'site',
        name: 'beach',
        message: 'site beach did not answer: site beach is away',
      },
    ]);
  });
});
