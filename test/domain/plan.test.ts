import { describe, expect, it } from 'vitest';
import type { Ledger, PlanInput } from '../../src/domain/plan-input.ts';
import { planCluster } from '../../src/domain/plan.ts';
import { clusterSpec, libvirtSite, roomyFacts } from '../helpers/specs.ts';

const emptyLedger: Ledger = { networks: [], macs: [], ports: {}, siteAddresses: {} };

function planInput(change: Partial<PlanInput> = {}): PlanInput {
  const sites = [libvirtSite('alpine'), libvirtSite('beach', 2), libvirtSite('cloud')];
  return {
    spec: clusterSpec(),
    clusterId: 'a1b2c3d4e5f6',
    sites: sites.map((site) => ({ site, facts: roomyFacts(site) })),
    ledger: emptyLedger,
    ...change,
  };
}

function withDomain(
  input: PlanInput,
  site: string,
  domain: { name: string; macs: string[] },
): PlanInput {
  for (const surveyed of input.sites) {
    if (surveyed.site.name === site) surveyed.facts.hosts[1]?.domains.push(domain);
  }
  return input;
}

describe('the plan of a cluster', () => {
  it('is the same for the same input', () => {
    expect(planCluster(planInput())).toEqual(planCluster(planInput()));
  });

  it('puts the frontend first, at the origin, with the first address and a second interface', () => {
    const [frontend, ...computes] = planCluster(planInput()).vms;
    expect(frontend).toMatchObject({ name: 'frontend', site: 'alpine', address: '10.77.1.1' });
    expect(frontend?.siteInterface).toMatchObject({ bridge: 'lan0', address: '192.168.10.100' });
    expect(computes.map((vm) => vm.name)).toEqual([
      'compute-alpine-0',
      'compute-beach-0',
      'compute-cloud-0',
    ]);
    expect(computes.every((vm) => vm.siteInterface === undefined)).toBe(true);
  });

  it('gives every VM another MAC, address, tap and port of its site', () => {
    const spec = clusterSpec({
      sites: [
        { name: 'alpine', computes: 3 },
        { name: 'beach', computes: 4 },
      ],
    });
    const plan = planCluster(planInput({ spec }));
    const macs = plan.vms.flatMap((vm) => [
      vm.mac,
      ...(vm.siteInterface ? [vm.siteInterface.mac] : []),
    ]);
    expect(new Set(macs).size).toBe(9);
    expect(new Set(plan.vms.map((vm) => vm.address)).size).toBe(8);
    const ports = plan.overlay.edges.map((edge) => `${edge.site}:${edge.udpPort}`);
    ports.push(`${plan.overlay.supernode?.site}:${plan.overlay.supernode?.port}`);
    expect(new Set(ports).size).toBe(9);
    expect(plan.overlay.edges.every((edge) => edge.tap.length <= 15)).toBe(true);
  });

  it('spreads the VMs of a site over its containers', () => {
    const spec = clusterSpec({
      sites: [
        { name: 'alpine', computes: 0 },
        { name: 'beach', computes: 4 },
      ],
    });
    const containers = planCluster(planInput({ spec }))
      .vms.filter((vm) => vm.site === 'beach')
      .map((vm) => vm.container);
    expect(containers.toSorted()).toEqual(['h1', 'h1', 'h2', 'h2']);
  });

  it('refuses more VMs than a site can hold, and says what is free there', () => {
    const spec = clusterSpec({ sites: [{ name: 'alpine', computes: 20 }] });
    expect(() => planCluster(planInput({ spec }))).toThrow(
      /site alpine cannot hold the 21 VMs .*free: h1 8 cpus and 7936 MiB/,
    );
  });

  it('refuses n2n 1.3 unless the spec accepts that it is insecure, and says why', () => {
    const spec = clusterSpec({ overlay: { kind: 'n2n' } });
    expect(() => planCluster(planInput({ spec }))).toThrow(/insecure.*authenticates nobody/);
  });

  it('warns of an accepted insecure overlay and relays everything by the supernode', () => {
    const plan = planCluster(planInput());
    expect(plan.warnings.join()).toContain('insecure overlay');
    expect(plan.overlay).toMatchObject({ version: '1.3', relayOnly: true, mtu: 1400 });
  });

  it('takes n2n 3 without that word, with direct paths', () => {
    const input = planInput({ spec: clusterSpec({ overlay: { kind: 'n2n' } }) });
    input.sites = input.sites.map(({ site }) => ({
      site,
      facts: roomyFacts(site, { n2n: '3.1.1' }),
    }));
    expect(planCluster(input).overlay).toMatchObject({ version: '3.1', relayOnly: false });
  });

  it('refuses different versions of n2n at two sites and names them', () => {
    const input = planInput();
    const beach = input.sites[1];
    if (beach) beach.facts = roomyFacts(beach.site, { n2n: '3.1.1' });
    expect(() => planCluster(input)).toThrow(/different versions of n2n .*1\.3 at .*3\.1 at/);
  });

  it('refuses a network that overlaps that of another cluster', () => {
    const input = planInput({
      spec: clusterSpec({ network: '10.80.0.0/16' }),
      ledger: { ...emptyLedger, networks: ['10.80.3.0/24'] },
    });
    expect(() => planCluster(input)).toThrow('10.80.0.0/16 overlaps 10.80.3.0/24');
  });

  it("refuses a network that overlaps a site's own", () => {
    const input = planInput({ spec: clusterSpec({ network: '192.168.0.0/16' }) });
    expect(() => planCluster(input)).toThrow('own network of site alpine');
  });

  describe('with networks outside that VMs are to reach', () => {
    const plan = (outside: string[], network?: string) =>
      planCluster(
        planInput({
          spec: clusterSpec({
            overlay: { kind: 'routed', outside },
            ...(network === undefined ? {} : { network }),
          }),
        }),
      );

    it.each(['10.80.3.0/24', '10.80.3.128/25'])('refuses %s in its own network', (outside) => {
      expect(() => plan([outside], '10.80.3.0/24')).toThrow(
        `${outside}, which is in the cluster's own network 10.80.3.0/24`,
      );
    });

    it('keeps apart from them if it chooses the network itself', () => {
      expect(plan(['10.77.1.0/24', '10.77.2.7/32']).network).toBe('10.77.3.0/24');
      expect(plan(['10.0.0.0/8']).network).toBe('10.77.1.0/24');
    });

    it('warns of one that has its own network in it, but not of everything', () => {
      expect(plan(['0.0.0.0/0']).warnings).toEqual([]);
      expect(plan(['10.80.0.0/16', '203.0.113.0/24'], '10.80.3.0/24').warnings).toEqual([
        'at 10.80.3.0/24 VMs reach each other, and nothing outside, though overlay.outside opens 10.80.0.0/16',
      ]);
    });
  });

  it("refuses a name that somebody else's domain has, and leaves that alone", () => {
    const input = withDomain(planInput(), 'beach', { name: 'demo-compute-beach-0', macs: [] });
    expect(() => planCluster(input)).toThrow(
      /already has a domain demo-compute-beach-0 .*left untouched/,
    );
  });

  it("refuses a MAC that somebody else's domain has", () => {
    const input = withDomain(planInput(), 'cloud', { name: 'theirs', macs: ['02:a1:b2:c3:00:04'] });
    expect(() => planCluster(input)).toThrow('MAC 02:a1:b2:c3:00:04 is already in use');
  });

  it.each(['alpine', 'beach', 'cloud'])('refuses a MAC that a domain at %s has', (site) => {
    const input = withDomain(planInput(), site, { name: 'theirs', macs: ['02:A1:B2:C3:80:01'] });
    expect(() => planCluster(input)).toThrow(
      new RegExp(`MAC 02:a1:b2:c3:80:01 is already in use by domain theirs at ${site}/`),
    );
  });

  it('refuses a MAC that a domain has at a site where the cluster is not', () => {
    const site = libvirtSite('desert');
    const facts = roomyFacts(site);
    facts.hosts[1]?.domains.push({ name: 'theirs', macs: ['02:a1:b2:c3:00:02'] });
    expect(() => planCluster(planInput({ elsewhere: [{ site, facts }] }))).toThrow(
      'MAC 02:a1:b2:c3:00:02 is already in use by domain theirs at desert/',
    );
  });

  it("refuses a MAC of another cluster's interface, of whichever kind", () => {
    for (const mac of ['02:a1:b2:c3:00:01', '02:a1:b2:c3:80:01']) {
      const ledger = { ...emptyLedger, macs: [mac] };
      expect(() => planCluster(planInput({ ledger }))).toThrow(
        `MAC ${mac} is already in use by another cluster`,
      );
    }
  });

  it('keeps apart from the own network of a site where the cluster is not', () => {
    const site = libvirtSite('desert');
    Object.assign(site.network, { gateway: '10.77.1.1', prefixLength: 24 });
    const elsewhere = [{ site, facts: roomyFacts(site) }];
    expect(planCluster(planInput({ elsewhere })).network).toBe('10.77.2.0/24');
    const spec = clusterSpec({ network: '10.77.0.0/16' });
    expect(() => planCluster(planInput({ spec, elsewhere }))).toThrow(
      'overlaps the own network of site desert (10.77.1.0/24)',
    );
  });

  it('gives the frontend no address that a machine of the site has', () => {
    const input = planInput();
    const lan = input.sites[0]?.site.network;
    if (lan) lan.addresses = [lan.gateway, '192.168.10.7'];
    expect(planCluster(input).vms[0]?.siteInterface?.address).toBe('192.168.10.7');
  });

  it('goes around ports and site addresses that other clusters use', () => {
    const ledger = {
      ...emptyLedger,
      ports: { alpine: [7700, 7701] },
      siteAddresses: { alpine: ['192.168.10.100'] },
    };
    const plan = planCluster(planInput({ ledger }));
    expect(plan.overlay.supernode?.port).toBe(7702);
    expect(plan.vms[0]?.siteInterface?.address).toBe('192.168.10.101');
  });
});
