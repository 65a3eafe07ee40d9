import { describe, expect, it } from 'vitest';
import { insecureReasonOf } from '../../src/domain/overlay.ts';
import type { PlanInput } from '../../src/domain/plan-input.ts';
import { planCluster } from '../../src/domain/plan.ts';
import { replanCluster } from '../../src/domain/replan.ts';
import { planInput, recordedCluster } from '../helpers/replans.ts';
import { clusterSpec } from '../helpers/specs.ts';

const spec = (overlay: { insecure?: boolean; mtu?: number } = {}) =>
  clusterSpec({ overlay: { kind: 'vxlan', ...overlay } });

function withoutTools(input: PlanInput, ...tools: string[]): PlanInput {
  const sites = input.sites.map(({ site, facts }) => ({
    site,
    facts: {
      ...facts,
      hosts: facts.hosts.map((host) => ({
        ...host,
        tools: Object.fromEntries(
          Object.entries(host.tools).filter(([name]) => !tools.includes(name)),
        ),
      })),
    },
  }));
  return { ...input, sites };
}

function closed(input: PlanInput): PlanInput {
  const sites = input.sites.map(({ site, facts }) => ({
    facts,
    site:
      site.kind === 'libvirt' && site.name === 'beach'
        ? { ...site, frontend: { ...site.frontend, inbound: false } }
        : site,
  }));
  return { ...input, sites };
}

describe('the plan of an overlay vxlan', () => {
  it('goes over WireGuard, with room for its headers, unless the spec accepts less', () => {
    const { overlay, warnings } = planCluster(planInput(spec()));
    expect(overlay).toMatchObject({ kind: 'vxlan', mtu: 1350, relayOnly: false });
    expect(overlay.peers?.filter(({ relayPort }) => relayPort !== undefined)).toHaveLength(2);
    expect(insecureReasonOf(overlay)).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it('is in clear if the spec says insecure, and says so', () => {
    const { overlay, warnings } = planCluster(planInput(spec({ insecure: true })));
    expect(overlay.mtu).toBe(1450);
    expect(overlay.peers?.some(({ relayPort }) => relayPort !== undefined)).toBe(false);
    expect(insecureReasonOf(overlay)).toContain('VXLAN without WireGuard');
    expect(warnings.join()).toContain('insecure overlay');
  });

  it('takes the spec’s MTU, but none for which the links have no room', () => {
    expect(planCluster(planInput(spec({ mtu: 1300 }))).overlay.mtu).toBe(1300);
    expect(() => planCluster(planInput(spec({ mtu: 8931 })))).toThrow('at most 8930');
    expect(planCluster(planInput(spec({ mtu: 8931, insecure: true }))).overlay.mtu).toBe(8931);
  });

  it('needs WireGuard at the VM containers unless in clear', () => {
    const input = (insecure: boolean) =>
      withoutTools(planInput(spec({ insecure })), 'wg', 'wireguard');
    expect(() => planCluster(input(false))).toThrow('overlay vxlan needs wg, wireguard');
    expect(() => planCluster(input(true))).not.toThrow();
  });

  it('is not in clear with a site at which no UDP arrives', () => {
    expect(() => planCluster(closed(planInput(spec({ insecure: true }))))).toThrow(
      'cannot reach site beach',
    );
    expect(() => planCluster(closed(planInput(spec())))).not.toThrow();
  });

  it.each([true, false])('keeps its peers in a change (in clear: %s)', (insecure) => {
    const before = recordedCluster('ready', spec({ insecure }));
    const sites = before.spec.sites.map((site) =>
      site.name === 'cloud' ? { ...site, computes: 2 } : site,
    );
    const { plan } = replanCluster(planInput({ ...before.spec, sites }), before);
    const fixed = (overlay: typeof plan.overlay) =>
      overlay.peers?.map(({ vms: _, ...peer }) => peer);
    expect(fixed(plan.overlay)?.slice(0, before.overlay.peers?.length)).toEqual(
      fixed(before.overlay),
    );
    expect(plan.overlay.edges).toHaveLength(before.overlay.edges.length + 1);
  });
});
