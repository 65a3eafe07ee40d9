import { describe, expect, it } from 'vitest';
import { portsOf, type Peer } from '../../src/domain/overlay.ts';
import type { PlanInput } from '../../src/domain/plan-input.ts';
import { gatewayOf } from '../../src/domain/plan-overlay.ts';
import { planCluster } from '../../src/domain/plan.ts';
import { replanCluster } from '../../src/domain/replan.ts';
import { planInput, recordedCluster } from '../helpers/replans.ts';
import { clusterSpec, linkKeyOf } from '../helpers/specs.ts';

const computes = (alpine: number, beach: number, cloud: number) => ({
  sites: [
    { name: 'alpine', computes: alpine },
    { name: 'beach', computes: beach },
    { name: 'cloud', computes: cloud },
  ].filter(({ computes }) => computes > 0),
});
const routed = (sites = computes(1, 3, 1)) =>
  clusterSpec({ ...sites, overlay: { kind: 'routed' } });

function peersOf(input: PlanInput): Peer[] {
  return planCluster(input).overlay.peers ?? [];
}

function setInbound(input: PlanInput, ...open: string[]): PlanInput {
  const sites = input.sites.map(({ site, facts }) => {
    if (site.kind !== 'libvirt') throw new Error('the helper makes other sites');
    const frontend = { ...site.frontend, inbound: open.includes(site.name) };
    return { site: { ...site, frontend }, facts };
  });
  return { ...input, sites };
}

describe('the peers of a routed overlay', () => {
  it('are the VM containers that have a VM, with all its addresses and its key', () => {
    const plan = planCluster(planInput(routed()));
    const peers = plan.overlay.peers ?? [];
    expect(peers.map(({ site, container }) => `${site}/${container}`)).toEqual([
      ...new Set(plan.vms.map(({ site, container }) => `${site}/${container}`)),
    ]);
    expect(peers.flatMap(({ vms }) => vms.map(({ address }) => address)).toSorted()).toEqual(
      plan.vms.map(({ address }) => address).toSorted(),
    );
    expect(peers[0]?.publicKey).toBe(linkKeyOf('alpine/h1'));
    expect(plan.overlay.supernode).toBeUndefined();
    expect(plan.warnings).toEqual([]);
  });

  it('have two relays: where the frontend VM is, and one at another site that UDP reaches', () => {
    const relays = peersOf(planInput(routed())).filter(({ relayPort }) => relayPort !== undefined);
    expect(relays.map(({ site, container }) => `${site}/${container}`)).toEqual([
      'alpine/h1',
      'beach/h1',
    ]);
    const closed = peersOf(setInbound(planInput(routed()), 'alpine', 'cloud'));
    expect(
      closed.filter(({ relayPort }) => relayPort !== undefined).map(({ site }) => site),
    ).toEqual(['alpine', 'cloud']);
    const lonely = peersOf(setInbound(planInput(routed()), 'alpine'));
    expect(lonely.filter(({ relayPort }) => relayPort !== undefined)).toHaveLength(1);
  });

  it('have ports that no other has at their site, and their VMs none', () => {
    const { overlay } = planCluster(planInput(routed()));
    const ports = portsOf(overlay).map(({ site, port }) => `${site}:${port}`);
    expect(new Set(ports).size).toBe(ports.length);
    expect(overlay.edges.every(({ udpPort }) => udpPort === undefined)).toBe(true);
  });

  it('keep number and ports when the cluster grows, and a new one gets what is free', () => {
    const before = recordedCluster('ready', routed(computes(1, 1, 0)));
    const spec = routed(computes(1, 3, 1));
    const { plan } = replanCluster(planInput(spec), before);
    const old = before.overlay.peers ?? [];
    const peers = plan.overlay.peers ?? [];
    for (const { number, site, container, port, relayPort } of old) {
      expect(peers.find((peer) => peer.number === number)).toMatchObject({
        site,
        container,
        port,
        ...(relayPort === undefined ? {} : { relayPort }),
      });
    }
    expect(peers.length).toBeGreaterThan(old.length);
    expect(new Set(peers.map(({ number }) => number)).size).toBe(peers.length);
  });

  it('take over the key that a VM container has by now', () => {
    const before = recordedCluster('ready', routed());
    const input = planInput(routed());
    const host = input.sites[1]?.facts.hosts[1];
    if (host) host.linkKey = linkKeyOf('made anew');
    const { plan } = replanCluster(input, before);
    expect(
      plan.overlay.peers?.find(({ site, container }) => site === 'beach' && container === 'h1'),
    ).toMatchObject({ publicKey: linkKeyOf('made anew') });
  });

  it('cannot be planned where a program is missing, and the error says what to install', () => {
    const input = planInput(routed());
    const host = input.sites[2]?.facts.hosts[2];
    if (host) host.tools = { n2n: '1.3.2', wg: '1.0', wireguard: 'kernel', nft: '1.0' };
    expect(() => planCluster(input)).toThrowError(
      expect.objectContaining({
        kind: 'MissingTool',
        message: expect.stringContaining('site cloud, VM container h2') as string,
      }),
    );
  });

  it('leave the last address of the network to the gateway', () => {
    expect(gatewayOf('10.77.1.0/24')).toBe('10.77.1.254');
    const spec = clusterSpec({
      ...computes(14, 0, 0),
      overlay: { kind: 'routed' },
      network: '10.77.1.0/28',
    });
    expect(() => planCluster(planInput(spec))).toThrow(/not enough addresses/);
  });

  it('take the MTU that the spec names', () => {
    const mtu = (overlay: { kind: 'routed'; mtu?: number }) =>
      planCluster(planInput(clusterSpec({ overlay }))).overlay.mtu;
    expect([mtu({ kind: 'routed' }), mtu({ kind: 'routed', mtu: 1360 })]).toEqual([1420, 1360]);
  });
});
