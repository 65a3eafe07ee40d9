import { describe, expect, it } from 'vitest';
import { planCluster } from '../../../src/domain/plan.ts';
import { routedOrderSchema } from '../../../src/domain/routed-verbs.ts';
import { renderContainerRules } from '../../../src/drivers/overlay/routed/firewall.ts';
import {
  planOpenings,
  routesSchema,
  type Opening,
} from '../../../src/drivers/overlay/routed/openings.ts';
import { orderFor } from '../../../src/drivers/overlay/routed/order.ts';
import { readOpenings, requireConsent } from '../../../src/drivers/overlay/routed/outside.ts';
import { dhcpService } from '../../../src/drivers/overlay/routed/services.ts';
import type { Shell } from '../../../src/transport/shell.ts';
import { clusterId, planInput } from '../../helpers/replans.ts';
import { clusterSpec } from '../../helpers/specs.ts';

const mark = { installation: '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a', cluster: 'demo', clusterId };

function orderOf(outside?: string[]) {
  const spec = clusterSpec({ overlay: { kind: 'routed', ...(outside ? { outside } : {}) } });
  const { overlay } = planCluster(planInput(spec));
  return routedOrderSchema.parse(orderFor(overlay, 'beach', 'h1'));
}

/** As a VM container has them: its LAN, a second network, two overlays, and the default route. */
const routes = [
  { dst: 'default', gateway: '192.168.10.1', dev: 'lan0', flags: [] },
  { type: 'unreachable', dst: '10.77.1.0/24', flags: [] },
  { dst: '10.77.1.3', dev: 'ba1b2c3d4-2', scope: 'link', flags: [] },
  { dst: '10.77.2.9', dev: 'b00000000-1', scope: 'link', flags: [] },
  { dst: '10.9.0.0/16', dev: 'eth1', protocol: 'kernel', scope: 'link', flags: [] },
  { dst: '10.9.4.0/24', dev: 'eth2', protocol: 'kernel', scope: 'link', flags: [] },
  { dst: '10.20.0.0/16', gateway: '10.9.0.2', dev: 'eth1', flags: [] },
  { dst: '192.168.10.0/24', dev: 'lan0', protocol: 'kernel', scope: 'link', flags: [] },
  { dst: '172.30.0.0/16', dev: 'eth3', scope: 'link', table: '77', flags: [] },
  { type: 'local', dst: '192.168.10.11', dev: 'lan0', table: 'local', scope: 'host' },
  { type: 'broadcast', dst: '192.168.10.255', dev: 'lan0', table: 'local', scope: 'link' },
];
const overlays = ['ba1b2c3d4-2', 'b00000000-1'];
const openings = (outside: string[], more: object[] = []): Opening[] =>
  planOpenings(outside, routesSchema.parse([...more, ...routes]), (device) =>
    overlays.includes(device),
  );

describe('what a VM container opens', () => {
  it('is, of everything, all but the networks that it is attached to itself', () => {
    const closed = ['10.9.0.0/16', '169.254.0.0/16', '172.30.0.0/16', '192.168.10.0/24'];
    expect(openings(['0.0.0.0/0'])).toEqual([
      { network: '0.0.0.0/0', devices: ['eth1', 'lan0'], closed },
    ]);
  });

  it('is a network in one of those, if it is named', () => {
    expect(openings(['192.168.10.50/32', '192.168.10.0/24'])).toEqual([
      { network: '192.168.10.50/32', devices: ['lan0'], closed: [] },
      { network: '192.168.10.0/24', devices: ['lan0'], closed: [] },
    ]);
  });

  it('is not what lies in another network of its own inside the named one', () => {
    expect(openings(['10.9.0.0/17'])).toEqual([
      { network: '10.9.0.0/17', devices: ['eth1'], closed: ['10.9.4.0/24'] },
    ]);
  });

  it('leaves by the narrowest route that has it whole, of equal ones by the cheapest', () => {
    const dear = { dst: 'default', dev: 'wlan0', metric: 600 };
    const [far, near] = openings(['203.0.113.0/24', '10.20.7.0/24'], [dear]);
    expect(far?.devices).toEqual(['lan0']);
    expect(near?.devices).toEqual(['eth1']);
  });

  it('leaves for parts of it by their own routes, too', () => {
    expect(openings(['10.0.0.0/8'])[0]?.devices).toEqual(['eth1', 'lan0']);
    const blocked = { dst: '203.0.113.128/25', type: 'prohibit' };
    expect(openings(['203.0.113.0/24'], [blocked])[0]?.devices).toEqual(['lan0']);
    const dear = { dst: '10.20.0.0/16', dev: 'wlan0', metric: 600 };
    expect(openings(['10.0.0.0/8'], [dear])[0]?.devices).toEqual(['eth1', 'lan0']);
  });

  it('leaves by the parts alone that make up all of it, as those of a VPN do', () => {
    const vpn = ['0.0.0.0/1', '128.0.0.0/1'].map((dst) => ({ dst, dev: 'tun0' }));
    expect(openings(['0.0.0.0/0'], vpn)[0]?.devices).toEqual(['eth1', 'tun0']);
    const plan = (more: object[]) =>
      planOpenings(['0.0.0.0/0'], routesSchema.parse(more), () => false);
    expect(plan(vpn)[0]?.devices).toEqual(['tun0']);
    expect(() => plan(vpn.slice(1))).toThrow('no way to 0.0.0.0/0');
  });

  it('leaves by every way of a route that has several', () => {
    const ways = { dst: '203.0.113.0/24', nexthops: [{ dev: 'lan0' }, { dev: 'eth1' }] };
    expect(openings(['203.0.113.0/24'], [ways])[0]?.devices).toEqual(['eth1', 'lan0']);
  });

  it.each([
    ['the overlay’s own range', '10.77.1.0/24', []],
    ['a VM of it', '10.77.1.3/32', []],
    ['a VM of another overlay', '10.77.2.9/32', []],
    ['what leaves by an interface that no rule can name', '203.0.113.0/24', ['eth*']],
    ['what nothing leads to', '203.0.113.0/24', [undefined]],
  ])('is never %s', (_what, network, devices) => {
    const more = devices.map((dev) =>
      dev === undefined ? { dst: network, type: 'prohibit' } : { dst: network, dev },
    );
    expect(() => openings([network], more)).toThrow(`no way to ${network}`);
  });
});

describe('a VM container that is asked to open', () => {
  const shellOf = (forwarding: string, asked: string[]): Shell => ({
    run: async ([program, ...args]) => {
      asked.push([program, ...args].join(' '));
      const interfaces = [
        { ifname: 'lan0' },
        { ifname: 'ba1b2c3d4-2', ifalias: `mvc:${mark.installation}:demo:${clusterId}` },
      ];
      const answers =
        program === 'cat'
          ? forwarding
          : JSON.stringify(args.includes('route') ? routes : interfaces);
      return { exitCode: 0, stdout: answers, stderr: '' };
    },
  });

  it('refuses what its policy does not hold whole, and says which line does', () => {
    const policy = { outside: ['203.0.113.0/24'] };
    const refusal = (...outside: string[]) => {
      try {
        requireConsent(policy, outside);
        return undefined;
      } catch (error) {
        return error;
      }
    };
    expect(refusal()).toBeUndefined();
    expect(refusal('203.0.113.0/24', '203.0.113.7/32')).toBeUndefined();
    expect(refusal('203.0.113.7/32', '203.0.112.0/23', '192.0.2.1/32')).toMatchObject({
      kind: 'Forbidden',
      message: expect.stringContaining('reach 203.0.112.0/23, 192.0.2.1/32,') as string,
      help: expect.stringContaining(
        '`"outside": ["203.0.113.0/24", "203.0.112.0/23", "192.0.2.1/32"]`',
      ) as string,
    });
  });

  it('is asked nothing if there is nothing to open', async () => {
    const asked: string[] = [];
    expect(await readOpenings(shellOf('1\n', asked), [])).toEqual([]);
    expect(asked).toEqual([]);
  });

  it('refuses if it does not forward what comes back, and says which setting its administrator has', async () => {
    const asked: string[] = [];
    await expect(readOpenings(shellOf('0\n', asked), ['0.0.0.0/0'])).rejects.toMatchObject({
      kind: 'Forbidden',
      help: expect.stringContaining('net.ipv4.ip_forward=1') as string,
    });
    expect(asked).toContain('cat /proc/sys/net/ipv4/conf/lan0/forwarding');
    expect(await readOpenings(shellOf('1\n', []), ['0.0.0.0/0'])).toHaveLength(1);
  });
});

describe('the rules of a VM container', () => {
  it('are the same as ever for an overlay that opens nothing', () => {
    const rules = renderContainerRules(clusterId, orderOf(), 'a mark');
    expect(rules).not.toMatch(/goes_out|masquerade|ct state|_outside/);
    expect(orderOf()).not.toHaveProperty('outside');
    expect(orderOf([])).not.toHaveProperty('outside');
  });

  it('let its own VMs out to what is open, and nothing else', () => {
    const order = orderOf(['0.0.0.0/0', '192.168.10.50/32']);
    const rules = renderContainerRules(clusterId, order, 'a mark', {
      openings: openings(order.outside ?? []),
    });
    expect(chainOf(rules, 'goes_out')).toEqual([
      'oifname { "eth1", "lan0" } ip daddr 0.0.0.0/0 ip daddr != { 10.9.0.0/16, 169.254.0.0/16, 172.30.0.0/16, 192.168.10.0/24 } accept',
      'oifname { "lan0" } ip daddr 192.168.10.50/32 accept',
    ]);
    expect(chainOf(rules, 'passing')).toEqual([
      'type filter hook forward priority filter; policy accept;',
      'iifname "ba1b2c3d4-*" jump goes_out',
      'iifname "ba1b2c3d4-*" jump stays_inside',
      'iifname "wa1b2c3d4-*" jump stays_inside',
      'ip saddr 10.77.1.0/24 drop',
      'iifname { "eth1", "lan0" } oifname "ba1b2c3d4-*" ct state established,related ct direction reply ct original zone 25992 ct status snat accept',
      'oifname "ba1b2c3d4-*" drop',
      'oifname "wa1b2c3d4-*" drop',
    ]);
  });

  it('hide the VMs behind its own address in a table with the cluster’s mark, but never from each other', () => {
    const order = orderOf(['203.0.113.0/24']);
    const rules = renderContainerRules(clusterId, order, 'a mark', {
      openings: openings(order.outside ?? []),
    });
    const [, table = ''] = rules.split(`\ntable ip mvc_${clusterId}_outside {`);
    // In a zone of the cluster's own: a later one at the same range gets no answers to it.
    expect(chainOf(table, 'remembering')).toContain(
      'iifname "ba1b2c3d4-*" ip saddr 10.77.1.0/24 ip daddr != 10.77.1.0/24 ct original zone set 25992',
    );
    expect(chainOf(table, 'leaving')).toContain(
      'oifname { "lan0" } ip saddr 10.77.1.0/24 ip daddr != 10.77.1.0/24 masquerade comment "a mark"',
    );
  });

  it('leave what reaches the container itself as it is', () => {
    const order = orderOf(['0.0.0.0/0']);
    const open = renderContainerRules(clusterId, order, 'a mark', {
      openings: openings(['0.0.0.0/0']),
    });
    const shut = renderContainerRules(clusterId, order, 'a mark');
    for (const chain of ['arriving', 'from_vm', 'from_link', 'stays_inside']) {
      expect(chainOf(open, chain)).toEqual(chainOf(shut, chain));
    }
  });
});

describe('DHCP', () => {
  it('names a router only to VMs of an overlay that opens something', () => {
    const options = (outside?: string[]) =>
      dhcpService(mark, orderOf(outside)).files?.['dnsmasq.conf']?.match(/^dhcp-option=3.*$/gm);
    expect(options()).toEqual(['dhcp-option=3']);
    expect(options(['192.0.2.0/24'])).toEqual(['dhcp-option=3,10.77.1.254']);
  });
});

function chainOf(rules: string, name: string): string[] {
  const lines = rules.split('\n').map((line) => line.trim());
  const begin = lines.indexOf(`chain ${name} {`);
  if (begin === -1) throw new Error(`the rules have no chain ${name}`);
  return lines.slice(begin + 1, lines.indexOf('}', begin));
}
