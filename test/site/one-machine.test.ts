import { describe, expect, it } from 'vitest';
import type { Mark } from '../../src/domain/mark.ts';
import { isFrontendToo } from '../../src/domain/site.ts';
import { hostPolicySchema, type HostPolicy } from '../../src/domain/site-verbs.ts';
import type { Host } from '../../src/site/host.ts';
import { policyAs } from '../../src/site/policy.ts';
import { owned } from '../../src/site/verbs/owned.ts';

const udpPorts = { first: 7700, last: 7799 };
const both = hostPolicySchema.parse({ host: 'physical-frontend', container: 'h1', udpPorts });
const mark: Mark = {
  installation: '7f1f1c46-6f0e-4f53-9d53-000000000001',
  cluster: 'demo',
  clusterId: '0123456789ab',
};

describe('the policy of a machine that is physical frontend and VM container', () => {
  it('is that of whichever host is asked, and of the physical frontend if none is named', () => {
    expect(policyAs(both).host).toBe('physical-frontend');
    expect(policyAs(both, 'physical-frontend').host).toBe('physical-frontend');
    expect(policyAs(both, 'h1')).toMatchObject({ host: 'h1', container: 'h1', udpPorts });
  });

  it('is that of no third host', () => {
    expect(() => policyAs(both, 'h2')).toThrow('this machine is physical-frontend and h1, not h2');
  });

  it.each([
    ['a VM container that is another one besides', { host: 'h1', container: 'h2' }],
    [
      'a physical frontend that is itself',
      { host: 'physical-frontend', container: 'physical-frontend' },
    ],
  ])('cannot be %s', (_, names) => {
    expect(hostPolicySchema.safeParse({ ...names, udpPorts }).success).toBe(false);
  });
});

describe('what is ours at such a machine', () => {
  const question = { input: { installation: mark.installation } } as Parameters<typeof owned>[1];
  const named = async (policy: HostPolicy) =>
    (await owned(hostOf(policy), question)).things.map(({ host, kind, name }) => [
      host,
      kind,
      name,
    ]);

  it('is told once: VMs by the VM container, all else by the physical frontend', async () => {
    expect(await named(policyAs(both, 'physical-frontend'))).toEqual([
      ['physical-frontend', 'service', 'mvc-a'],
    ]);
    expect(await named(policyAs(both, 'h1'))).toEqual([['h1', 'vm', 'vm-a']]);
  });

  it('is told whole by a machine that is a VM container only', async () => {
    const alone = hostPolicySchema.parse({ host: 'h1', udpPorts });
    expect(await named(alone)).toEqual([
      ['h1', 'vm', 'vm-a'],
      ['h1', 'service', 'mvc-a'],
    ]);
  });
});

describe('a VM container is the physical frontend, too,', () => {
  const frontend = { lanAddress: '192.168.10.1', hostKey: 'SHA256:one' };
  const is = (address: string, hostKey: string) =>
    isFrontendToo({ frontend } as Parameters<typeof isFrontendToo>[0], { address, hostKey });

  it('at its inner address with its host key, and nowhere else', () => {
    expect(is('192.168.10.1', 'SHA256:one')).toBe(true);
    expect(is('192.168.10.11', 'SHA256:one')).toBe(false);
    expect(is('192.168.10.1', 'SHA256:of an sshd of its own')).toBe(false);
  });
});

/** A host with one VM and one service, both marked. */
function hostOf(policy: HostPolicy): Host {
  const isContainer = policy.host !== 'physical-frontend';
  return {
    policy,
    role: isContainer ? 'vmContainer' : 'physicalFrontend',
    shell: {
      run: async ([program]: string[]) => ({
        exitCode: 0,
        stdout: program === 'nft' ? '{"nftables":[]}' : '[]',
        stderr: '',
      }),
    },
    supervisor: { describe: async () => [{ name: 'mvc-a', mark }] },
    vms: { owned: async () => [{ host: policy.host, kind: 'vm', name: 'vm-a', ...mark }] },
  } as unknown as Host;
}
