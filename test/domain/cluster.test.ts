import { describe, expect, it } from 'vitest';
import { clusterSpecSchema } from '../../src/domain/cluster.ts';
import { describeZodError } from '../../src/domain/failure.ts';
import { siteSchema } from '../../src/domain/site.ts';

const good = { name: 'demo', origin: 'alpine', sites: [{ name: 'alpine', computes: 1 }] };

function problem(spec: unknown): string {
  const result = clusterSpecSchema.safeParse(spec);
  return result.success ? '' : describeZodError(result.error);
}

describe('a cluster spec', () => {
  it('needs only a name, an origin and sites', () => {
    expect(clusterSpecSchema.parse(good)).toMatchObject({
      overlay: { kind: 'routed', insecure: false },
      frontend: { cpus: 1, memoryMiB: 768, diskGiB: 4 },
      compute: { cpus: 1, memoryMiB: 512 },
      rolls: ['base', 'slurm', 'mpi', 'compiler', 'home', 'topology'],
    });
  });

  it('takes every key that `mvc user add` takes, such as one in a security token', () => {
    const sshKeys = ['sk-ssh-ed25519@openssh.com AAAA alice@here'];
    expect(clusterSpecSchema.parse({ ...good, sshKeys }).sshKeys).toEqual(sshKeys);
  });

  it.each([
    [
      'an origin that is not among the sites',
      { origin: 'moon' },
      'origin moon is not among the sites (alpine)',
    ],
    ['zero computes', { sites: [{ name: 'alpine', computes: 0 }] }, 'at least one compute'],
    [
      'a negative number of computes',
      { sites: [{ name: 'alpine', computes: -1 }] },
      'sites.0.computes',
    ],
    [
      'a site that is named twice',
      { sites: [...good.sites, ...good.sites] },
      'a site is named twice',
    ],
    ['a malformed name', { name: 'De mo' }, 'a cluster name must be lower-case'],
    ['a name that looks like an option', { name: '-rf' }, 'a cluster name must be lower-case'],
    [
      'an unknown overlay',
      { overlay: { kind: 'vpn' } },
      'overlay kind "vpn" is unknown; known: n2n, routed, vxlan, memory',
    ],
    ['an unknown field', { colour: 'blue' }, 'colour'],
    ['a public network', { network: '8.8.8.0/24' }, 'private range'],
    ['a newline in an ssh key', { sshKeys: ['ssh-ed25519 AAAA x\nfoo'] }, 'sshKeys.0'],
  ])('refuses %s, naming the field', (_what, change, words) => {
    expect(problem({ ...good, ...change })).toContain(words);
  });
});

describe('a site', () => {
  it('of an unknown kind is refused with the known ones', () => {
    const result = siteSchema.safeParse({ name: 'alpine', kind: 'zen' });
    expect(result.success ? '' : describeZodError(result.error)).toBe(
      'kind: site kind "zen" is unknown; known: libvirt, memory',
    );
  });
});
