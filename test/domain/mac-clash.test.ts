import { describe, expect, it } from 'vitest';
import { isMendable } from '../../src/domain/drift.ts';
import type { ForeignDomain } from '../../src/domain/foreign-domain.ts';
import { describeReassignment, findMacClashes, reassignMacs } from '../../src/domain/mac-clash.ts';
import { clusterId, recordedCluster } from '../helpers/replans.ts';

const { vms } = recordedCluster('planned');
const installation = '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a';
const cluster = { name: 'demo', id: clusterId };

function theirs(macs: string[], change: Partial<ForeignDomain> = {}): ForeignDomain {
  return { site: 'cloud', host: 'h1', name: 'theirs', macs, ...change };
}

describe('other MACs for VMs that never booted', () => {
  it('are given just to those whose MAC somebody has, and are the next that nobody has', () => {
    const foreign = [theirs(['02:A1:B2:C3:00:03']), theirs(['06:a1:b2:c3:00:03'])];
    const used = ['0a:a1:b2:c3:00:03'];
    expect(reassignMacs(clusterId, vms, foreign, used)).toEqual([
      {
        vm: { name: 'compute-beach-0', site: 'beach', container: 'h1' },
        kind: 'overlay',
        from: '02:a1:b2:c3:00:03',
        to: '0e:a1:b2:c3:00:03',
        holder: foreign[0],
      },
    ]);
  });

  it("are given to a frontend's second interface, too", () => {
    const foreign = [theirs(['02:a1:b2:c3:80:01'])];
    expect(reassignMacs(clusterId, vms, foreign, [])).toMatchObject([
      { vm: { name: 'frontend' }, kind: 'site', to: '06:a1:b2:c3:80:01' },
    ]);
  });

  it('are refused in words when all that the VM could have are taken', () => {
    const firsts = ['02', '06', '0a', '0e', '12', '16', '1a', '1e'];
    const foreign = [theirs(firsts.map((first) => `${first}:a1:b2:c3:00:03`))];
    expect(() => reassignMacs(clusterId, vms, foreign, [])).toThrow(
      expect.objectContaining({
        kind: 'Conflict',
        message: expect.stringMatching(/VM compute-beach-0 .*domain theirs at cloud\/h1/),
      }),
    );
  });

  it('are told with both MACs and with who has the first', () => {
    const [given] = reassignMacs(clusterId, vms, [theirs(['02:a1:b2:c3:00:03'])], []);
    expect(given && describeReassignment(given)).toBe(
      'VM compute-beach-0 at beach/h1 gets the MAC 06:a1:b2:c3:00:03 in the place of 02:a1:b2:c3:00:03, which is in use by domain theirs at cloud/h1, of somebody else',
    );
  });
});

describe('a MAC that is there twice', () => {
  const mac = '02:a1:b2:c3:00:03';
  const mark = { installation, cluster: 'demo', clusterId };
  const itself = theirs([mac], {
    site: 'beach',
    host: 'h1',
    name: 'demo-compute-beach-0',
    mark,
  });
  const clashes = (domains: ForeignDomain[], recent = ['alpine', 'beach', 'cloud']) =>
    findMacClashes(cluster, vms, domains, recent);

  it('is none as long as only the VM has it', () => {
    expect(clashes([itself])).toEqual([]);
  });

  it("is told with both domains, be the other somebody else's or another cluster's", () => {
    const [found] = clashes([itself, theirs([mac])]);
    expect(found).toMatchObject({ site: 'beach', kind: 'mac', name: 'compute-beach-0' });
    expect(found?.message).toMatch(
      /MAC 02:a1:b2:c3:00:03 of VM compute-beach-0 at beach\/h1 .*domain theirs at cloud\/h1, of somebody else/,
    );
    const other = { ...mark, cluster: 'beta', clusterId: 'bbbbbbbbbbbb' };
    expect(clashes([theirs([mac], { mark: other })])[0]?.message).toContain('of cluster beta');
    expect(found && isMendable(found)).toBe(false);
  });

  it("is told of a copy of one of the cluster's own VMs", () => {
    const copy = theirs([mac], { site: 'beach', host: 'h2', name: itself.name, mark });
    expect(clashes([itself, copy])).toHaveLength(1);
    const renamed = { ...itself, name: 'demo-compute-beach-0-restored' };
    expect(clashes([itself, renamed])[0]?.message).toContain('demo-compute-beach-0-restored');
  });

  it('is not told of what a site had of the cluster when it was asked long ago', () => {
    const before = theirs([mac], { site: 'beach', host: 'h2', name: itself.name, mark });
    expect(clashes([before], ['alpine', 'cloud'])).toEqual([]);
  });
});
