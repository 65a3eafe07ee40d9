import { describe, expect, it } from 'vitest';
import type { OverlayTable, Peer } from '../../../src/domain/overlay.ts';
import { planCluster, type ClusterPlan } from '../../../src/domain/plan.ts';
import type { RoutedOrder } from '../../../src/domain/routed-verbs.ts';
import { physicalFrontend } from '../../../src/domain/site.ts';
import { replanCluster } from '../../../src/domain/replan.ts';
import { createRoutedDriver } from '../../../src/drivers/overlay/routed/driver.ts';
import type { SiteDoor } from '../../../src/transport/site-door.ts';
import { clusterId, planInput } from '../../helpers/replans.ts';
import { clusterSpec, libvirtSite } from '../../helpers/specs.ts';

interface Call {
  host: string;
  verb: string;
  input: { order?: RoutedOrder };
}

const siteNames = ['alpine', 'beach', 'cloud'];
const containers = ['h1', 'h2'];
const operation = {
  mark: { installation: '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a', cluster: 'demo', clusterId },
  epoch: 1,
};
const key = { ephemeralKey: 'AAAA', nonce: 'AAAA', ciphertext: 'AAAA' };

const specOf = (beach: number) =>
  clusterSpec({
    sites: [
      { name: 'alpine', computes: 2 },
      { name: 'beach', computes: beach },
      { name: 'cloud', computes: 1 },
    ],
    overlay: { kind: 'routed' },
  });

const plan = planCluster(planInput(specOf(2)));

/** The table with one compute more at beach, as a scale makes it. */
function withOneMore({ network, overlay, vms }: ClusterPlan): OverlayTable {
  const recorded = {
    spec: specOf(2),
    network,
    overlay,
    vms: vms.map((vm) => ({ ...vm, state: 'ready' })),
    wasReady: true,
  };
  return replanCluster(planInput(specOf(3)), recorded).plan.overlay;
}

/** Applies a table at all containers of a site at once, as its activity does. */
async function callsAt(site: string, table: OverlayTable): Promise<Call[]> {
  const calls: Call[] = [];
  const door = {
    call: async (host: string, verb: string, input: Call['input']) => {
      calls.push({ host, verb, input });
      return {};
    },
  } as unknown as SiteDoor;
  const found = libvirtSite(site, containers.length);
  if (found.kind !== 'libvirt') throw new Error('it is of another kind');
  const driver = createRoutedDriver(door, found);
  await Promise.all(containers.map((container) => driver.apply(operation, container, table, key)));
  return calls;
}

const namesOf = (calls: Call[]) => calls.map(({ host, verb }) => `${host} ${verb}`).toSorted();
const ordersOf = (calls: Call[]) => calls.flatMap(({ input: { order } }) => order ?? []);

describe('a table that is applied at a whole site', () => {
  it('asks each container once, and the physical frontend once', async () => {
    expect(namesOf(await callsAt('beach', plan.overlay))).toEqual([
      'h1 routed.apply',
      'h2 routed.apply',
      `${physicalFrontend} forward.apply`,
    ]);
  });

  it('asks a container without a VM to remove what it has', async () => {
    expect(namesOf(await callsAt('cloud', plan.overlay))).toEqual([
      'h1 routed.apply',
      'h2 routed.remove',
      `${physicalFrontend} forward.apply`,
    ]);
  });

  it('closes the physical frontend of a site where none takes part', async () => {
    const peers = plan.overlay.peers?.filter(({ site }) => site !== 'cloud') ?? [];
    const calls = await callsAt('cloud', { ...plan.overlay, peers });
    expect(calls.find(({ host }) => host === physicalFrontend)?.input).toEqual({ forwards: [] });
  });
});

describe('one VM more', () => {
  const after = withOneMore(plan);
  const [added] = addedTo(plan.overlay, after);

  it.each(siteNames)('is told by the same calls at %s, one to each', async (site) => {
    const [before, now] = [await callsAt(site, plan.overlay), await callsAt(site, after)];
    expect(namesOf(now)).toEqual(namesOf(before));
    const forwards = (calls: Call[]) => calls.find(({ host }) => host === physicalFrontend)?.input;
    expect(forwards(now)).toEqual(forwards(before));
  });

  it('is one address more of one peer to all other containers, and nothing else', async () => {
    if (!added) throw new Error('no VM was added');
    let others = 0;
    for (const site of siteNames) {
      const before = ordersOf(await callsAt(site, plan.overlay));
      for (const order of ordersOf(await callsAt(site, after))) {
        const old = before.find(({ self }) => self === order.self);
        if (order.self === added.at.number) {
          expect(order.edges.length).toBe((old?.edges.length ?? 0) + 1);
          expect({ ...order, edges: [] }).toEqual({ ...old, edges: [] });
          continue;
        }
        others += 1;
        const peers = old?.peers.map((peer) =>
          peer.number === added.at.number
            ? { ...peer, addresses: [...peer.addresses, added.address] }
            : peer,
        );
        expect(order).toEqual({ ...old, peers });
      }
    }
    expect(others).toBe((plan.overlay.peers?.length ?? 0) - 1);
  });
});

/** VMs that only the second table has, and the peer that has them. */
function addedTo(before: OverlayTable, after: OverlayTable): { at: Peer; address: string }[] {
  const known = new Set(before.peers?.flatMap(({ vms }) => vms.map(({ address }) => address)));
  return (after.peers ?? []).flatMap((at) =>
    at.vms.filter(({ address }) => !known.has(address)).map(({ address }) => ({ at, address })),
  );
}
