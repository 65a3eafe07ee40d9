import { describe, expect, it } from 'vitest';
import type { ClusterSpecInput } from '../../src/domain/cluster.ts';
import type { RecordedCluster } from '../../src/domain/recorded-cluster.ts';
import { refuseImpossible, scaledSpec } from '../../src/domain/spec-change.ts';
import { clusterSpec } from '../helpers/specs.ts';
import { recordedCluster } from '../helpers/replans.ts';

function refusalOf(recorded: RecordedCluster, change: Partial<ClusterSpecInput>) {
  return () => refuseImpossible(recorded, clusterSpec(change));
}

describe('a spec of a recorded cluster', () => {
  it.each<[string, Partial<ClusterSpecInput>]>([
    ['name', { name: 'other' }],
    ['origin', { origin: 'beach' }],
    ['overlay.insecure', { overlay: { kind: 'n2n', insecure: false } }],
    ['network', { network: '10.99.0.0/24' }],
  ])('cannot change %s, even before anything was made', (field, change) => {
    expect(refusalOf(recordedCluster('planned'), change)).toThrow(
      expect.objectContaining({
        kind: 'Conflict',
        message: expect.stringContaining(`${field}: `),
        help: expect.stringContaining('mvc destroy demo'),
      }),
    );
  });

  it('that names no overlay, where the default has become another, is told how to name the old one', () => {
    const change = { overlay: { kind: 'routed' } } as const;
    expect(refusalOf(recordedCluster('ready'), change)).toThrow(
      expect.objectContaining({ help: expect.stringContaining('`--overlay n2n`') }),
    );
  });

  it.each<[string, Partial<ClusterSpecInput>]>([
    ['frontend.memoryMiB', { frontend: { memoryMiB: 1024 } }],
    ['rolls', { rolls: ['base', 'slurm'] }],
  ])('can change %s until a VM was made', (field, change) => {
    expect(refusalOf(recordedCluster('reserved'), change)).not.toThrow();
    const refused = expect.objectContaining({
      kind: 'Conflict',
      message: expect.stringContaining(`${field}: `),
    });
    expect(refusalOf(recordedCluster('installing'), change)).toThrow(refused);
    // A VM that was stopped and is started again is reserved, too.
    const started = { ...recordedCluster('reserved'), wasReady: true };
    expect(refusalOf(started, change)).toThrow(refused);
  });

  it.each<[string, Partial<ClusterSpecInput>]>([
    ['sites', { sites: [{ name: 'alpine', computes: 4 }] }],
    ['the size of computes', { compute: { cpus: 2 } }],
    ['keys', { sshKeys: [`ssh-ed25519 ${'A'.repeat(68)} ann`] }],
    ['watch', { watch: { repair: true } }],
    ['network to the one that it has', { network: '10.77.1.0/24' }],
  ])('can always change %s', (_what, change) => {
    expect(refusalOf(recordedCluster('ready'), change)).not.toThrow();
  });

  it('cannot change the size of computes that are stopped', () => {
    const recorded = recordedCluster('ready');
    const vms = recorded.vms.map((vm) =>
      vm.name === 'compute-beach-0' ? { ...vm, state: 'stopped' } : vm,
    );
    expect(refusalOf({ ...recorded, vms }, { compute: { cpus: 2 } })).toThrow(
      expect.objectContaining({
        kind: 'Conflict',
        message: expect.stringContaining('compute-beach-0'),
        help: expect.stringContaining('mvc start demo'),
      }),
    );
  });
});

describe('a scaled spec', () => {
  const sitesOf = (computes: Record<string, number>) =>
    scaledSpec(clusterSpec(), computes).sites.map((site) => `${site.name}=${site.computes}`);

  it('keeps the sites that are not named', () => {
    expect(sitesOf({ beach: 3 })).toEqual(['alpine=1', 'beach=3', 'cloud=1']);
  });

  it('takes a site out by 0, but never the origin', () => {
    expect(sitesOf({ alpine: 0, cloud: 0 })).toEqual(['alpine=0', 'beach=1']);
  });

  it('lets a site join at the end', () => {
    expect(sitesOf({ desert: 2 })).toEqual(['alpine=1', 'beach=1', 'cloud=1', 'desert=2']);
  });

  it.each([{ beach: -1 }, { beach: 1.5 }, { Beach: 1 }, { alpine: 0, beach: 0, cloud: 0 }])(
    'is refused if it is not valid: %j',
    (computes) => {
      expect(() => scaledSpec(clusterSpec(), computes)).toThrow(
        expect.objectContaining({ kind: 'BadInput' }),
      );
    },
  );
});
