import { describe, expect, it } from 'vitest';
import { diffSpecs, sameSpec } from '../../src/domain/spec-diff.ts';
import { clusterSpec } from '../helpers/specs.ts';

const key = (comment: string) => `ssh-ed25519 ${'A'.repeat(60)}${comment} ${comment}`;

describe('the difference of two specs', () => {
  it('of equal ones is empty', () => {
    expect(diffSpecs(clusterSpec(), clusterSpec())).toEqual([]);
  });

  it('has a line for each number of computes, also of sites that come or go', () => {
    const after = clusterSpec({
      sites: [
        { name: 'alpine', computes: 1 },
        { name: 'beach', computes: 3 },
        { name: 'desert', computes: 2 },
      ],
    });
    expect(diffSpecs(clusterSpec(), after)).toEqual([
      'sites.beach.computes: 1 → 3',
      'sites.cloud.computes: 1 → 0',
      'sites.desert.computes: 0 → 2',
    ]);
  });

  it('names the fields that differ within a part', () => {
    const after = clusterSpec({
      compute: { memoryMiB: 1024 },
      frontend: { diskGiB: 8 },
      watch: { repair: true },
      network: '10.9.0.0/24',
    });
    expect(diffSpecs(clusterSpec(), after)).toEqual([
      'frontend.diskGiB: 4 → 8',
      'compute.memoryMiB: 512 → 1024',
      'network: any → 10.9.0.0/24',
      'watch.repair: false → true',
    ]);
  });

  it('shows what of the overlay is there no more, and networks outside in any order', () => {
    const overlay = { kind: 'routed' as const, outside: ['192.0.2.0/24', '198.51.100.0/24'] };
    const before = clusterSpec({ overlay: { ...overlay, mtu: 1300 } });
    const outside = overlay.outside.toReversed();
    expect(diffSpecs(before, clusterSpec({ overlay: { ...overlay, outside } }))).toEqual([
      'overlay.mtu: 1300 → none',
    ]);
    expect(diffSpecs(before, clusterSpec({ overlay: { kind: 'routed', mtu: 1300 } }))).toEqual([
      'overlay.outside: 192.0.2.0/24, 198.51.100.0/24 → none',
    ]);
  });

  it('shows rolls by name and keys by their comments', () => {
    const before = clusterSpec({ sshKeys: [key('ann')] });
    const after = clusterSpec({ sshKeys: [key('ann'), key('bob')], rolls: ['base', 'slurm'] });
    expect(diffSpecs(before, after)).toEqual([
      'rolls: base, slurm, mpi, compiler, home, topology → base, slurm',
      'sshKeys: ann → ann, bob',
    ]);
  });

  it('does not see an order that means nothing', () => {
    const before = clusterSpec();
    const after = clusterSpec({ sites: before.sites.toReversed() });
    expect(sameSpec(before, after)).toBe(true);
  });
});
