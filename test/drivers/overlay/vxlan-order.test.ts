import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { planCluster } from '../../../src/domain/plan.ts';
import { routedOrderSchema, type RoutedOrder } from '../../../src/domain/routed-verbs.ts';
import { linkMtuOf, renderLinks } from '../../../src/drivers/overlay/routed/link-config.ts';
import { renderPaths } from '../../../src/drivers/overlay/routed/paths-files.ts';
import { pathsConfigSchema } from '../../../src/drivers/overlay/routed/paths/config.ts';
import {
  renderForwarding,
  renderNeighbours,
} from '../../../src/drivers/overlay/vxlan/forwarding.ts';
import { hubGround } from '../../../src/drivers/overlay/vxlan/ground.ts';
import { layer2OrderFor } from '../../../src/drivers/overlay/vxlan/order.ts';
import { clusterId, planInput } from '../../helpers/replans.ts';
import { clusterSpec } from '../../helpers/specs.ts';

const mark = { installation: '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a', cluster: 'demo', clusterId };

function order(insecure: boolean, site = 'beach', container = 'h1') {
  const spec = clusterSpec({ overlay: { kind: 'vxlan', insecure } });
  const { overlay } = planCluster(planInput(spec));
  // As a site is told: of its own edges only.
  const edges = overlay.edges.filter((edge) => edge.site === site);
  const found = layer2OrderFor({ ...overlay, edges }, site, container);
  if (!found) throw new Error(`${site}/${container} has no part in it`);
  return routedOrderSchema.parse(found);
}

describe('the order of a VM container in an overlay vxlan', () => {
  it('has the cluster’s VNI and every VM elsewhere, and routes none of them', () => {
    const { layer2, edges, peers } = order(false);
    expect(layer2?.vni).toBe(0xa1b2c3);
    expect(edges.map(({ vm }) => vm)).toEqual(['compute-beach-0']);
    expect(layer2?.remotes.map(({ address }) => address)).toEqual([
      '10.77.1.1',
      '10.77.1.2',
      '10.77.1.4',
    ]);
    expect(peers.flatMap(({ addresses }) => addresses)).toEqual([]);
  });

  it('is none for a container without a VM', () => {
    const { overlay } = planCluster(planInput(clusterSpec({ overlay: { kind: 'vxlan' } })));
    expect(layer2OrderFor(overlay, 'beach', 'h2')).toBeUndefined();
  });

  it('links containers with room for the headers, and by their own addresses only', () => {
    const of = order(false);
    expect(linkMtuOf(of)).toBe(1420);
    expect(pathsConfigSchema.parse(JSON.parse(renderPaths(clusterId, of))).mtu).toBe(1420);
    const preshared = new Map(of.peers.map(({ number }) => [number, 'psk']));
    const [direct] = renderLinks(clusterId, of, { privateKey: 'secret', preshared });
    expect(direct?.config).not.toContain('10.77.1.');
    expect(direct?.config).toContain('AllowedIPs = fda1:b2c3:d4e5:0::1/128');
  });
});

describe('the tables of the hub', () => {
  it('send frames to the containers inside the links', () => {
    const lines = renderForwarding(clusterId, order(false)).trim().split('\n');
    expect(lines).toContain('fdb replace 02:a1:b2:c3:00:03 dev va1b2c3d4-2 master static');
    expect(lines).toContain(
      'fdb replace 02:a1:b2:c3:00:01 dev xa1b2c3d4-vx dst fda1:b2c3:d4e5:0::1 port 4789 self permanent',
    );
    expect(lines).toContain('fdb replace 02:a1:b2:c3:00:01 dev xa1b2c3d4-vx master static');
  });

  it('send them to the peer’s own port in clear', () => {
    expect(renderForwarding(clusterId, order(true))).toMatch(
      /02:a1:b2:c3:00:01 dev xa1b2c3d4-vx dst 198\.51\.100\.11 port 77\d\d self permanent/,
    );
    // At the same site by the LAN.
    expect(renderForwarding(clusterId, order(true, 'alpine', 'h2'))).toContain('dst 192.168.10.11');
  });

  it('know who has which address, of all VMs', () => {
    expect(renderNeighbours(clusterId, order(false)).trim().split('\n')).toHaveLength(4);
  });
});

describe('what guards a VM on layer 2', () => {
  const rulesOf = (of: RoutedOrder) => hubGround.service(mark, of, []).files?.['rules.nft'] ?? '';

  it('is its MAC and address, and no broadcast passes', () => {
    const rules = rulesOf(order(false));
    const guard = /chain hub_compute_beach_0 {[^]*?\n {2}}/.exec(rules)?.[0] ?? '';
    expect(guard).toContain('device "va1b2c3d4-2" priority 0; policy drop;');
    expect(guard).toContain('ether saddr != 02:a1:b2:c3:00:03 drop');
    expect(guard).toContain('ip saddr 10.77.1.3 accept');
    expect(guard).toContain('ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 drop');
  });

  it('takes frames of the cluster from the links alone, and in clear from anywhere', () => {
    const rules = rulesOf(order(false));
    expect(rules).toContain('iifname "wa1b2c3d4-*" udp dport 4789 @th,96,24 10597059 accept');
    expect(rules).toContain('  udp dport 4789 @th,96,24 10597059 drop');
    expect(rulesOf(order(true))).not.toContain('udp dport 4789');
  });

  it('is made by shell that a shell can read', () => {
    const { script, env } = hubGround.service(mark, order(false), []);
    expect(spawnSync('sh', ['-n'], { input: script }).status).toBe(0);
    expect(env['VXLAN_LOCAL']).toBe('fda1:b2c3:d4e5:0::3');
    expect(hubGround.service(mark, order(true), []).env['VXLAN_LOCAL']).toBeUndefined();
  });
});
