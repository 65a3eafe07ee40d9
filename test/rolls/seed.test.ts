import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { nodeToken } from '../../src/rolls/node-token.ts';
import type { ClusterContext } from '../../src/rolls/roll.ts';
import { renderComputeSeed, renderFrontendSeed } from '../../src/rolls/seed.ts';
import { clusterOf, listOf, pem, readIn } from './cluster-of.ts';

const { context, secrets } = clusterOf(2);

describe("the frontend's seed", () => {
  const seed = renderFrontendSeed(context, secrets);

  test('is the same for the same input', () => {
    expect(renderFrontendSeed(structuredClone(context), structuredClone(secrets))).toEqual(seed);
  });

  test('names every node to the scheduler with what its VM has', () => {
    const config = readIn(seed, 'etc/slurm/slurm.conf');
    expect(config).toContain('SlurmctldParameters=enable_configless\n');
    expect(config).toContain('Include nodes.conf\n');
    expect(readIn(seed, 'etc/slurm/nodes.conf')).toContain(
      'NodeName=compute-site1-1 NodeAddr=10.77.1.2 CPUs=2 RealMemory=416 State=UNKNOWN\n',
    );
  });

  test('gives each MAC its address and name by DHCP, and each name its address by DNS', () => {
    const config = readIn(seed, 'etc/dnsmasq.conf').split('\n');
    expect(config).toContain('dhcp-hostsfile=/etc/mvc/dhcp-hosts');
    expect(readIn(seed, 'etc/mvc/dhcp-hosts').split('\n')).toContain(
      '02:00:00:00:00:03,10.77.1.3,compute-site2-2,infinite',
    );
    expect(config).toContain('dhcp-range=10.77.1.0,static,255.255.255.0,infinite');
    expect(config).not.toContainEqual(expect.stringMatching(/^server=/));
    expect(readIn(seed, 'etc/mvc/hosts')).toContain(
      '10.77.1.3 compute-site2-2 compute-site2-2.demo.mvc\n',
    );
  });

  test('says of which operation its list of nodes is', () => {
    expect(readIn(seed, 'etc/mvc/nodes-epoch')).toBe('7\n');
  });

  test('knows tokens by their digests alone', () => {
    const text = gunzipSync(seed).toString('latin1');
    expect(text).not.toContain(secrets.tokenKey);
    for (const { name } of context.vms.slice(1)) {
      const token = nodeToken(secrets, name);
      expect(text).not.toContain(token);
      const digest = createHash('sha256').update(token).digest('hex');
      expect(readIn(seed, `var/lib/mvc/tokens/${digest}`)).toMatch(new RegExp(`^${name} 10\\.`));
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
    expect(listOf(seed)).toEqual(['etc/mvc/node.env', 'etc/mvc/token']);
    expect(readIn(seed, 'etc/mvc/token')).toBe(nodeToken(secrets, 'compute-site1-1'));
    expect(readIn(seed, 'etc/mvc/node.env')).toBe('ROLE=compute\nOVERLAY_MAC=02:00:00:00:00:02\n');
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
    ['epoch', { epoch: '1\n' as unknown as number }],
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
    const bad = { ...secrets, nodeTokens: { 'compute-site1-1': 'tell\nme' } };
    expect(() => renderFrontendSeed(context, bad)).toThrow(
      'the token of compute-site1-1 is malformed',
    );
    expect(() => renderFrontendSeed(context, { ...secrets, tokenKey: 'tell\nme' })).toThrow(
      "the cluster's token key is missing or malformed",
    );
    const user = { ...secrets.userKey, privateKey: pem('a\n\nb; c') };
    expect(() => renderFrontendSeed(context, { ...secrets, userKey: user })).toThrow(
      "the user's key is not an OpenSSH private key",
    );
  });
});
