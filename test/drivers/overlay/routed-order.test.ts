import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { planCluster } from '../../../src/domain/plan.ts';
import { routedOrderSchema } from '../../../src/domain/routed-verbs.ts';
import {
  renderContainerRules,
  renderForwardRules,
} from '../../../src/drivers/overlay/routed/firewall.ts';
import { renderLinks } from '../../../src/drivers/overlay/routed/link-config.ts';
import { linkChanges } from '../../../src/drivers/overlay/routed/link-update.ts';
import { presharedKey } from '../../../src/drivers/overlay/routed/link-key.ts';
import { forwardsFor, orderFor } from '../../../src/drivers/overlay/routed/order.ts';
import { renderPaths } from '../../../src/drivers/overlay/routed/paths-files.ts';
import { pathsConfigSchema } from '../../../src/drivers/overlay/routed/paths/config.ts';
import { groundScript, linkScript } from '../../../src/drivers/overlay/routed/scripts.ts';
import { dhcpService } from '../../../src/drivers/overlay/routed/services.ts';
import { clusterId, planInput } from '../../helpers/replans.ts';
import { clusterSpec } from '../../helpers/specs.ts';

const table = planCluster(planInput(clusterSpec({ overlay: { kind: 'routed' } }))).overlay;
const mark = { installation: '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a', cluster: 'demo', clusterId };

function order(site: string, container: string) {
  const found = orderFor(table, site, container);
  if (!found) throw new Error(`${site}/${container} has no part in it`);
  return routedOrderSchema.parse(found);
}

function links(site: string, container: string) {
  const of = order(site, container);
  const preshared = new Map(of.peers.map(({ number }) => [number, `psk-${number}`]));
  return renderLinks(clusterId, of, { privateKey: 'secret', preshared });
}

describe('the order of a VM container', () => {
  it('has its own VMs, and of the others where they are reached', () => {
    const beach = order('beach', 'h1');
    expect(beach.edges.map(({ vm }) => vm)).toEqual(['compute-beach-0']);
    expect(beach.peers.map(({ name }) => name)).not.toContain('beach/h1');
    expect(beach.server).toBe('10.77.1.1');
    const alpine = beach.peers.find(({ name }) => name === 'alpine/h1');
    expect(alpine?.publicEndpoint?.address).toBe('198.51.100.11');
    expect(alpine?.lanEndpoint).toBeUndefined();
  });

  it('names containers of its own site by their address in the LAN, also as relays', () => {
    const second = order('alpine', 'h2');
    expect(second.peers.find(({ name }) => name === 'alpine/h1')?.lanEndpoint?.address).toBe(
      '192.168.10.11',
    );
    expect(second.relays[0]?.endpoint.address).toBe('192.168.10.11');
    expect(order('cloud', 'h1').relays[0]?.endpoint.address).toBe('198.51.100.11');
  });

  it('is none for a container without a VM', () => {
    expect(orderFor(table, 'beach', 'h2')).toBeUndefined();
  });

  it('is all that the keeper of paths must be told', () => {
    const told: unknown = JSON.parse(renderPaths(clusterId, order('cloud', 'h1')));
    expect(pathsConfigSchema.parse(told).relays).toHaveLength(2);
  });
});

describe('the links of a VM container', () => {
  it('are one for direct ways, without an endpoint, and one per relay', () => {
    const [direct, first, second] = links('cloud', 'h1');
    expect(direct?.config).not.toContain('Endpoint');
    expect(direct?.config.match(/\[Peer\]/g)).toHaveLength(order('cloud', 'h1').peers.length);
    for (const relay of [first, second]) {
      expect(relay?.config.match(/\[Peer\]/g)).toHaveLength(1);
      expect(relay?.config).toMatch(/Endpoint = 198\.51\.100\.11:\d+/);
    }
    expect(first?.config).toContain('10.77.1.3/32');
  });

  it('have all others as peers at a relay, each with its own addresses only', () => {
    const own = links('alpine', 'h1')[1]?.config ?? '';
    expect(own.match(/\[Peer\]/g)).toHaveLength(order('alpine', 'h1').peers.length);
    expect(own).toMatch(/ListenPort = \d+/);
    expect(own).toContain('AllowedIPs = 10.77.1.3/32, fda1:b2c3:d4e5:1::3/128');
  });

  describe('that run', () => {
    const link = links('alpine', 'h1')[1];
    if (!link) throw new Error('a relay has a link for the others');
    const dumpOf = (peers: typeof link.peers) =>
      [
        `${link.privateKey}\tpublic\t${link.port}\toff`,
        ...peers.map(({ publicKey, preshared, allowed }) =>
          // As `wg` writes addresses, and in an order of its own.
          [
            publicKey,
            preshared,
            '(none)',
            allowed.toReversed().join(',').replaceAll(':0::', '::'),
          ].join('\t'),
        ),
        '',
      ].join('\n');
    const change = (dump: string) =>
      linkChanges(link, dump, { key: '/key', psk: (number) => `/psk/${number}` });

    it('are left alone when nothing has changed', () => {
      expect(change(dumpOf(link.peers))).toEqual([]);
    });

    it('take another shared key, and a peer that joined, and lose one that left', () => {
      const [first, second, ...others] = link.peers;
      if (!first || !second) throw new Error('there are too few peers');
      const stranger = { ...first, publicKey: 'gone=' };
      const before = [stranger, { ...second, preshared: 'old' }, ...others];
      expect(change(dumpOf(before)).join(' ')).toBe(
        `peer gone= remove peer ${first.publicKey} preshared-key /psk/${first.number} ` +
          `allowed-ips ${first.allowed.join(',')} ` +
          `peer ${second.publicKey} preshared-key /psk/${second.number}`,
      );
    });
  });

  it('share a key that only the two ends of the cluster can make', () => {
    expect(presharedKey('k', 'a', 'b')).toBe(presharedKey('k', 'b', 'a'));
    expect(presharedKey('k', 'a', 'b')).not.toBe(presharedKey('k', 'a', 'c'));
    expect(presharedKey('k', 'a', 'b')).not.toBe(presharedKey('l', 'a', 'b'));
  });
});

describe('what a site hands on', () => {
  it('is one port per container, and of a relay the second by UDP and TCP', () => {
    expect(forwardsFor(table, 'cloud').map(({ protocol, to }) => `${protocol} ${to}`)).toEqual([
      'udp 192.168.10.11',
    ]);
    const alpine = forwardsFor(table, 'alpine').filter(({ to }) => to === '192.168.10.11');
    expect(alpine.map(({ protocol }) => protocol)).toEqual(['udp', 'udp', 'tcp']);
  });

  it('is nothing where no UDP arrives', () => {
    const closed = { ...table, peers: table.peers?.map((peer) => ({ ...peer, inbound: false })) };
    expect(forwardsFor({ ...table, peers: closed.peers ?? [] }, 'alpine')).toEqual([]);
  });
});

describe('rules and scripts', () => {
  it('guard each VM by its MAC and address, and fence the whole by as many rules for any number', () => {
    const rules = renderContainerRules(clusterId, order('beach', 'h1'), 'a mark');
    expect(rules).toContain('ether saddr != 02:a1:b2:c3:00:03 drop');
    expect(rules).toContain('ip saddr 10.77.1.3 udp sport 67 drop');
    expect(rules).toContain('iifname "ba1b2c3d4-*" jump stays_inside');
  });

  it('hand on without rewriting from where it comes', () => {
    const rules = renderForwardRules(clusterId, forwardsFor(table, 'alpine'), 'a mark');
    expect(rules).toMatch(/udp dport \d+ dnat to 192\.168\.10\.11/);
    expect(rules).not.toContain('snat');
    expect(rules).not.toContain('masquerade');
  });

  it('are shell that a shell can read', () => {
    for (const script of [groundScript, linkScript]) {
      expect(spawnSync('sh', ['-n'], { input: script }).status).toBe(0);
    }
  });

  it('tell DHCP of the VMs of the container alone, and boot them from the frontend VM', () => {
    const { files } = dhcpService(mark, order('beach', 'h1'));
    expect(files?.['dnsmasq.conf']?.match(/dhcp-host=.*/g)).toEqual([
      'dhcp-host=02:a1:b2:c3:00:03,10.77.1.3,compute-beach-0,infinite',
    ]);
    expect(files?.['dnsmasq.conf']).toContain('dhcp-boot=http://10.77.1.1/cgi-bin/boot.ipxe');
    expect(files?.['dnsmasq.conf']).toContain('interface=ba1b2c3d4-*');
  });
});
