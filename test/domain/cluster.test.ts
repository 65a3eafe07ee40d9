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

  it('takes networks outside for an overlay routed, up to all and down to one address', () => {
    const outside = ['0.0.0.0/0', '192.0.2.0/24', '198.51.100.7/32'];
    const overlay = { kind: 'routed', outside };
    expect(clusterSpecSchema.parse({ ...good, overlay }).overlay.outside).toEqual(outside);
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
    [
      'an overlay routed that is called insecure',
      { overlay: { kind: 'routed', insecure: true } },
      'overlay routed is never insecure',
    ],
    [
      'an outside of another overlay than routed',
      { overlay: { kind: 'vxlan', outside: ['192.0.2.0/24'] } },
      'overlay.outside: overlay vxlan opens nothing to the outside: only routed does',
    ],
    [
      'an outside that is no network',
      { overlay: { kind: 'routed', outside: ['0.0.0.0/0', 'example.org'] } },
      'overlay.outside.1: must be an IPv4 network like 192.0.2.0/24',
    ],
    [
      'an outside of IPv6',
      { overlay: { kind: 'routed', outside: ['2001:db8::/32'] } },
      'overlay.outside.0: must be an IPv4 network',
    ],
    [
      'an outside with octets that may be read as octal',
      { overlay: { kind: 'routed', outside: ['192.0.02.0/24'] } },
      'overlay.outside.0: must be an IPv4 network',
    ],
    [
      'an outside with more than a network in it',
      { overlay: { kind: 'routed', outside: ['192.0.2.0/24 accept'] } },
      'overlay.outside.0: must be an IPv4 network',
    ],
    [
      'an outside that is longer than an address',
      { overlay: { kind: 'routed', outside: ['192.0.2.0/33'] } },
      'overlay.outside.0: must be an IPv4 network',
    ],
    [
      'an outside with host bits, which may be a slip,',
      { overlay: { kind: 'routed', outside: ['192.0.2.7/24'] } },
      'overlay.outside.0: has host bits set; its network begins at 192.0.2.0',
    ],
    [
      'more networks outside than anyone reads',
      { overlay: { kind: 'routed', outside: Array(21).fill('192.0.2.0/24') } },
      'overlay.outside: at most 20 networks',
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
