import { describe, expect, it } from 'vitest';
import { renderCarrierRules, renderGatewayRules } from '../../src/lab/nat.ts';
import {
  borderOf,
  checkPublicAddress,
  natKinds,
  planLab,
  type LabSite,
  type NatKind,
} from '../../src/lab/plan.ts';

const shut = natKinds.filter((kind) => kind !== 'open');

describe('the rules of a gateway', () => {
  it.each(natKinds)('take the place of those before them: %s', (kind) => {
    const rules = rulesOf(kind);
    for (const table of ['ip lab', 'netdev lab']) {
      expect(rules).toContain(`add table ${table}\ndelete table ${table}\n`);
    }
  });

  it('hand on what was forwarded, of the ports of the site alone', () => {
    expect(chain('open', 'passing')).toContain(
      'iifname "wan0" meta l4proto { tcp, udp } ct status dnat ct original proto-dst 7700-7799 accept',
    );
    expect(chain('open', 'unasked')).toEqual([]);
  });

  it.each(shut)('drop what is not asked for before any forwarding: %s', (kind) => {
    const [hook, ...rules] = chain(kind, 'unasked');
    expect(hook).toBe('type filter hook prerouting priority mangle;');
    expect(rules.slice(0, 3)).toEqual([
      'iifname != "wan0" accept',
      'ct state established,related accept',
      'tcp dport 22 accept',
    ]);
    expect(rules.at(-1)).toBe('drop');
    expect(rules).toHaveLength(kind === 'full-cone' ? 5 : 4);
  });

  it('draw another port for each remote at a symmetric NAT only', () => {
    for (const kind of natKinds) {
      expect(chain(kind, 'leaving').join('\n').includes('fully-random')).toBe(kind === 'symmetric');
    }
  });

  it('map and let in by the port alone at a full cone only', () => {
    for (const kind of natKinds) {
      expect(rulesOf(kind).includes('map cone')).toBe(kind === 'full-cone');
    }
    expect(chain('full-cone', 'entering')[0]).toContain('priority dstnat - 10');
  });

  it('lose UDP on the wire, both ways, where it is blocked', () => {
    for (const kind of natKinds) {
      const hooks = rulesOf(kind).match(/hook (ingress|egress) device "wan0"/g) ?? [];
      expect(hooks).toHaveLength(kind === 'udp-blocked' ? 2 : 0);
    }
  });

  it('look at flows in a zone of their own after each change', () => {
    expect(rulesOf('open')).not.toContain('ct zone');
    for (const rules of [renderGatewayRules({ kind: 'open', changes: 3 }), renderCarrierRules(3)]) {
      expect(rules.match(/ct zone set 3$/gm)).toHaveLength(2);
    }
  });
});

describe("the provider's NAT before a gateway", () => {
  it('forwards ssh, lets out the gateway, and nothing else', () => {
    const rules = renderCarrierRules(0);
    expect(chainOf(rules, 'entering')[1]).toBe('iifname "wan0" tcp dport 22 dnat to 100.64.0.2');
    expect(chainOf(rules, 'passing').slice(1)).toEqual([
      'ct state established,related accept',
      'iifname "site0" oifname "wan0" accept',
      'iifname "wan0" tcp dport 22 ct status dnat accept',
    ]);
  });

  it('has the public address of the site', () => {
    const [site] = plan().sites as [LabSite];
    expect(borderOf(site)).toBe('alpine');
    expect(borderOf({ ...site, nat: 'double' })).toBe('alpine-carrier');
  });
});

describe('a public address', () => {
  it.each(['198.51.100.3', '198.51.100.11', '198.51.100.254'])('may be %s', (address) => {
    expect(() => checkPublicAddress(plan(), 'alpine', address)).not.toThrow();
  });

  it.each([
    '198.51.100.2',
    '198.51.100.255',
    '198.51.100.1000',
    '198.51.101.7',
    '198.51.100.7/24',
    'alpine',
  ])('is not %s', (address) => {
    expect(() => checkPublicAddress(plan(), 'alpine', address)).toThrow(/no address/);
  });

  it('is not that of another site', () => {
    expect(() => checkPublicAddress(plan(), 'alpine', '198.51.100.12')).toThrow(
      '198.51.100.12 is the address of beach',
    );
  });
});

function plan() {
  return planLab({ id: 'abcde', rttMs: 0, sites: 3, doorPorts: [1, 2, 3] });
}

function rulesOf(kind: NatKind): string {
  return renderGatewayRules({ kind, changes: 0 });
}

function chain(kind: NatKind, name: string): string[] {
  return chainOf(rulesOf(kind), name);
}

/** The hook of a chain, and its rules. */
function chainOf(rules: string, name: string): string[] {
  const body = new RegExp(`chain ${name} {\n([^]*?)\n  }\n`).exec(rules)?.[1] ?? '';
  return body === '' ? [] : body.split('\n').map((line) => line.trim());
}
