import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Vm } from '../../src/domain/vm.ts';
import type { ClusterContext, ClusterSecrets } from '../../src/rolls/roll.ts';
import { renderComputeSeed, renderFrontendSeed } from '../../src/rolls/seed.ts';

const pem = (body: string) =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
const keyPair = (body: string) => ({ privateKey: pem(body), publicKey: `ssh-ed25519 ${body} me` });

function clusterOf(computes: number): { context: ClusterContext; secrets: ClusterSecrets } {
  const vms: Vm[] = Array.from({ length: computes + 1 }, (_, n) => ({
    name: n === 0 ? 'frontend' : `compute-site${n % 8}-${n}`,
    role: n === 0 ? 'frontend' : 'compute',
    site: `site${n % 8}`,
    container: 'h1',
    mac: `02:00:00:00:00:${(n + 1).toString(16).padStart(2, '0')}`,
    address: `10.77.1.${n + 1}`,
    cpus: 2,
    memoryMiB: 512,
  }));
  const token = (name: string) => createHash('sha256').update(name).digest('base64url');
  const mungeKey = Array.from({ length: 4 }, (_, n) =>
    createHash('sha256').update(`${n}`).digest(),
  );
  return {
    context: { cluster: 'demo', network: '10.77.1.0/24', mtu: 1400, vms, sshKeys: [] },
    secrets: {
      mungeKey: Buffer.concat(mungeKey).toString('base64'),
      nodeTokens: Object.fromEntries(vms.map(({ name }) => [name, token(name)])),
      hostKeys: { frontend: keyPair('ZnJvbnRlbmQ='), compute: keyPair('Y29tcHV0ZQ==') },
      userKey: keyPair('dXNlcg=='),
    },
  };
}

const { context, secrets } = clusterOf(2);
const read = (seed: Buffer, path: string) =>
  execFileSync('tar', ['-xOf', '-', path], { input: gunzipSync(seed) }).toString();
const list = (seed: Buffer) =>
  execFileSync('tar', ['-tf', '-'], { input: gunzipSync(seed) })
    .toString()
    .trim()
    .split('\n');

describe("the frontend's seed", () => {
  const seed = renderFrontendSeed(context, secrets);

  test('is the same for the same input', () => {
    expect(renderFrontendSeed(structuredClone(context), structuredClone(secrets))).toEqual(seed);
  });

  test('names every node to the scheduler with what its VM has', () => {
    const config = read(seed, 'etc/slurm/slurm.conf');
    expect(config).toContain('SlurmctldParameters=enable_configless\n');
    expect(config).toContain(
      'NodeName=compute-site1-1 NodeAddr=10.77.1.2 CPUs=2 RealMemory=416 State=UNKNOWN\n',
    );
  });

  test('gives each MAC its address and name by DHCP, and each name its address by DNS', () => {
    const config = read(seed, 'etc/dnsmasq.conf').split('\n');
    expect(config).toContain('dhcp-host=02:00:00:00:00:03,10.77.1.3,compute-site2-2,infinite');
    expect(config).toContain('dhcp-range=10.77.1.0,static,255.255.255.0,infinite');
    expect(config).not.toContainEqual(expect.stringMatching(/^server=/));
    expect(read(seed, 'etc/mvc/hosts')).toContain(
      '10.77.1.3 compute-site2-2 compute-site2-2.demo.mvc\n',
    );
  });

  test('knows tokens by their digests alone', () => {
    const text = gunzipSync(seed).toString('latin1');
    for (const [name, token] of Object.entries(secrets.nodeTokens)) {
      expect(text).not.toContain(token);
      if (name === 'frontend') continue;
      const digest = createHash('sha256').update(token).digest('hex');
      expect(read(seed, `var/lib/mvc/tokens/${digest}`)).toMatch(new RegExp(`^${name} 10\\.`));
    }
  });

  test('has what a node gets, as one archive of two parts', () => {
    const parts = ['common', 'compute-site1-1'].map((name) =>
      execFileSync('tar', ['-xOf', '-', `var/lib/mvc/nodes/${name}.tar`], {
        input: gunzipSync(seed),
      }),
    );
    const names = execFileSync('tar', ['-tf', '-'], { input: Buffer.concat(parts) }).toString();
    expect(names).toContain('etc/munge/munge.key\n');
    expect(names).toMatch(/etc\/hostname\netc\/mvc\/node.env\n$/);
  });

  test('stays below 40 KiB for 64 computes', () => {
    const large = clusterOf(64);
    expect(renderFrontendSeed(large.context, large.secrets).length).toBeLessThan(40 * 1024);
  });
});

describe("a compute's seed", () => {
  const seed = renderComputeSeed(context, secrets, 'compute-site1-1');

  test('holds its role and its token, and nothing that others have', () => {
    expect(list(seed)).toEqual(['etc/mvc/node.env', 'etc/mvc/token']);
    expect(read(seed, 'etc/mvc/token')).toBe(secrets.nodeTokens['compute-site1-1']);
    expect(read(seed, 'etc/mvc/node.env')).toBe('ROLE=compute\nOVERLAY_MAC=02:00:00:00:00:02\n');
  });

  test('is only for computes of the cluster', () => {
    expect(() => renderComputeSeed(context, secrets, 'compute-x-9')).toThrow(
      'no compute compute-x-9',
    );
    expect(() => renderComputeSeed(context, secrets, 'frontend')).toThrow('no compute frontend');
  });
});

describe('a value that would end a line is refused', () => {
  const first = (change: object) => [{ ...context.vms[0]!, ...change }, ...context.vms.slice(1)];
  const site = { bridge: 'lan0', gateway: '192.0.2.1', prefixLength: 24, addresses: ['192.0.2.9'] };
  test.each<[string, Partial<ClusterContext>]>([
    ['cluster', { cluster: 'demo\nx' }],
    ['network', { network: '10.77.1.0/24\n' }],
    ['mtu', { mtu: '1400\n' as unknown as number }],
    ['name', { vms: first({ name: 'frontend\nx' }) }],
    ['address', { vms: first({ address: '10.77.1.1\n' }) }],
    ['mac', { vms: first({ mac: '02:00:00:00:00:01\n' }) }],
    ['site', { vms: first({ site: 'a\nCLUSTER=b' }) }],
    ['cpus', { vms: first({ cpus: Number.NaN }) }],
    ['ssh key', { sshKeys: ['ssh-ed25519 AAAA me\nssh-ed25519 BBBB you'] }],
    ['gateway', { siteNetwork: { ...site, gateway: '192.0.2.1\n' } }],
    ['dns', { siteNetwork: { ...site, dns: '192.0.2.1,x' } }],
  ])('in %s', (_, change) => {
    expect(() => renderFrontendSeed({ ...context, ...change }, secrets)).toThrow(
      expect.objectContaining({ kind: 'BadInput' }),
    );
  });

  test('and a malformed secret, without telling it', () => {
    const bad = {
      ...secrets,
      nodeTokens: { ...secrets.nodeTokens, 'compute-site1-1': 'tell\nme' },
    };
    expect(() => renderFrontendSeed(context, bad)).toThrow(
      'the token of compute-site1-1 is missing or malformed',
    );
    const user = { ...secrets.userKey, privateKey: pem('a\n\nb; c') };
    expect(() => renderFrontendSeed(context, { ...secrets, userKey: user })).toThrow(
      "the user's key is not an OpenSSH private key",
    );
  });
});
