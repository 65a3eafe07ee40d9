import { describe, expect, it } from 'vitest';
import { Failure, failureKinds, type FailureKind } from '../../src/domain/failure.ts';
import type { HostFacts, LibvirtSite } from '../../src/domain/site.ts';
import {
  checkOfFailure,
  checksOfFacts,
  checksOfHost,
  handsOn,
  udpCheck,
  type Finding,
} from '../../src/domain/site-check.ts';
import { routedTools } from '../helpers/specs.ts';

const digest = 'a'.repeat(64);
const answer = {
  clockMs: 1_000_000,
  programDigest: digest,
  udpPorts: { first: 7700, last: 7799 },
  missingBridges: [],
  forbiddenBridges: [],
};
const wanted = { clockMs: 1_000_000, programDigest: digest, udpPorts: answer.udpPorts };
const toMend = (findings: Finding[]) =>
  findings.filter(({ state }) => state !== 'ok').map(({ check, state }) => `${check} ${state}`);

describe('a host that could not be asked', () => {
  it.each<[FailureKind, Finding['check']]>([
    ['Unreachable', 'ssh'],
    ['Timeout', 'ssh'],
    ['HostKeyChanged', 'ssh'],
    ['AccessDenied', 'ssh'],
    ['BadInput', 'program'],
    ['Protocol', 'program'],
    ['Conflict', 'policy'],
    ['CommandFailed', 'sudo'],
  ])('with %s has something to mend in its %s', (kind, check) => {
    expect(checkOfFailure(new Failure(kind, 'it is so'))).toMatchObject({
      check,
      state: 'mend',
      found: 'it is so',
    });
  });

  it.each(Object.keys(failureKinds) as FailureKind[])(
    'with %s says what to do, in the failure’s own words if it has some',
    (kind) => {
      expect(checkOfFailure(new Failure(kind, 'x')).mend).toMatch(/\w/);
      expect(checkOfFailure(new Failure(kind, 'x', { help: 'do y' })).mend).toBe('do y');
    },
  );
});

describe('a host that answers', () => {
  it('has nothing to mend when all is as it should be', () => {
    const findings = checksOfHost(answer, wanted);
    expect(toMend(findings)).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual(['ssh', 'program', 'clock', 'policy']);
  });

  it.each([
    ['a program of another version', { programDigest: 'b'.repeat(64) }, 'program mend'],
    ['a clock half a minute behind', { clockMs: 1_000_000 - 30_001 }, 'clock mend'],
    ['a clock half a minute ahead', { clockMs: 1_000_000 + 30_001 }, 'clock mend'],
    ['fewer ports than the site’s file', { udpPorts: { first: 7701, last: 7799 } }, 'policy mend'],
    ['no bridge', { missingBridges: ['lan0'] }, 'bridge mend'],
    ['a bridge that VMs may not join', { forbiddenBridges: ['lan0'] }, 'bridge mend'],
  ])('has %s to mend', (_, change, found) => {
    const findings = checksOfHost({ ...answer, ...change }, wanted);
    expect(toMend(findings)).toEqual([found]);
    expect(findings.every(({ state, mend }) => state === 'ok' || mend !== undefined)).toBe(true);
  });

  it('may be off by less than half a minute, and allow more ports than are wanted', () => {
    const change = { clockMs: 1_030_000, udpPorts: { first: 7000, last: 8000 } };
    expect(toMend(checksOfHost({ ...answer, ...change }, wanted))).toEqual([]);
  });

  it('says in which direction its clock is off', () => {
    const found = (clockMs: number) =>
      checksOfHost({ ...answer, clockMs }, wanted).find(({ check }) => check === 'clock')?.found;
    expect(found(1_060_000)).toBe('60.0 s ahead of this machine');
    expect(found(998_500)).toBe('1.5 s behind this machine');
  });
});

describe('a physical frontend that answers', () => {
  const forwarding = (forwardsIpv4: boolean | undefined, hands: boolean) =>
    checksOfHost(
      { ...answer, ...(forwardsIpv4 === undefined ? {} : { forwardsIpv4 }) },
      { ...wanted, handsOn: hands },
    ).find(({ check }) => check === 'forwarding');

  it('has to forward what it hands on, and is told the command that sets it for good', () => {
    expect(forwarding(false, true)?.state).toBe('mend');
    expect(forwarding(false, true)?.mend).toMatch(
      /sysctl -w net\.ipv4\.ip_forward=1 .*\/etc\/sysctl\.d\//,
    );
    expect(forwarding(true, true)?.state).toBe('ok');
    expect(forwarding(false, false)?.state).toBe('ok');
  });

  it('is not judged by what an older program does not say', () => {
    expect(forwarding(undefined, true)).toBeUndefined();
  });

  it('hands on where UDP arrives for another machine', () => {
    const site = (inbound: boolean, ...addresses: string[]) =>
      ({
        frontend: { lanAddress: '192.168.10.1', hostKey: 'SHA256:one', inbound },
        containers: addresses.map((address) => ({ address, hostKey: 'SHA256:one' })),
      }) as LibvirtSite;
    expect(handsOn(site(true, '192.168.10.11'))).toBe(true);
    expect(handsOn(site(true, '192.168.10.1', '192.168.10.11'))).toBe(true);
    expect(handsOn(site(true, '192.168.10.1'))).toBe(false);
    expect(handsOn(site(false, '192.168.10.11'))).toBe(false);
  });
});

describe('what a host says of itself', () => {
  const facts: HostFacts = {
    host: 'h1',
    sealKey: '',
    tools: { ...routedTools, n2n: '1.3.1', virsh: '9.0.0' },
    missing: [],
    capacity: {
      virtualization: 'kvm',
      cpus: 8,
      memoryMiB: 16_384,
      committedCpus: 2,
      committedMiB: 4096,
      poolFreeMiB: 20_480,
    },
    domains: [],
  };
  const withCapacity = (change: Partial<NonNullable<HostFacts['capacity']>>): HostFacts => ({
    ...facts,
    capacity: { ...facts.capacity, ...change } as NonNullable<HostFacts['capacity']>,
  });

  it('of a VM container has what VMs may still take', () => {
    const findings = checksOfFacts(facts);
    expect(toMend(findings)).toEqual([]);
    expect(findings.find(({ check }) => check === 'libvirt')?.found).toBe(
      'virsh 9.0.0; 6 cpus and 12288 MiB not given to VMs',
    );
  });

  it('of a physical frontend has packages alone', () => {
    const { capacity: _, ...frontend } = facts;
    expect(checksOfFacts(frontend).map(({ check }) => check)).toEqual(['packages']);
  });

  it('names each missing package once, in a command that installs them', () => {
    const missing = [
      { tool: 'supernode', package: 'n2n' },
      { tool: 'edge', package: 'n2n' },
      { tool: 'nft', package: 'nftables' },
    ];
    const [first] = checksOfFacts({ ...facts, missing });
    expect(first?.found).toBe('missing: supernode, edge, nft');
    expect(first?.mend).toMatch(/ n2n nftables$/);
  });

  it('says which overlays there can be, and what is to be installed for the others', () => {
    const overlay = (tools: HostFacts['tools']) =>
      checksOfFacts({ ...facts, tools }).find(({ check }) => check === 'overlay');
    expect(overlay(facts.tools)).toMatchObject({
      state: 'ok',
      found: 'routed and vxlan by WireGuard (kernel); n2n 1.3.1',
    });
    const { wireguard: _, ...without } = facts.tools;
    expect(overlay(without)).toMatchObject({
      state: 'note',
      found: 'only n2n: for routed and vxlan there is no wireguard',
      mend: 'install there a kernel with WireGuard, or wireguard-go',
    });
    const { n2n: _n2n, ...neither } = without;
    expect(overlay(neither)).toMatchObject({
      state: 'mend',
      found: expect.stringMatching(/^none/),
    });
  });

  it('of emulated VMs is a note: they work, slowly', () => {
    expect(toMend(checksOfFacts(withCapacity({ virtualization: 'tcg' })))).toEqual(['kvm note']);
  });

  it('of a pool that holds no image and disk is to be mended', () => {
    expect(toMend(checksOfFacts(withCapacity({ poolFreeMiB: 6143 })))).toEqual(['pool mend']);
    expect(toMend(checksOfFacts(withCapacity({ poolFreeMiB: 6144 })))).toEqual([]);
  });
});

describe('datagrams to a site’s public address', () => {
  const trial = {
    to: 'beach',
    address: '198.51.100.12',
    port: 7799,
    heard: false,
    answered: false,
  };

  it('that come back say how long it took', () => {
    expect(udpCheck({ ...trial, heard: true, answered: true, rttMs: 20.04 })).toEqual({
      check: 'udp',
      state: 'ok',
      found: 'to beach (198.51.100.12, UDP 7799) and back in 20.0 ms',
    });
  });

  it('that were heard but not answered are stopped on the way back', () => {
    const check = udpCheck({ ...trial, heard: true });
    expect(check.found).toMatch(/^reaches beach .* but no answer comes back$/);
    expect(check.mend).toContain('this host’s site');
  });

  it('that nobody heard are stopped on the way there', () => {
    const check = udpCheck(trial);
    expect(check.found).toMatch(/^does not reach beach/);
    expect(check.mend).toContain('beach’s physical frontend');
  });
});
