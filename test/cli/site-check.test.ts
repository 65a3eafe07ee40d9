import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { tryHost } from '../../src/cli/site-check/try-host.ts';
import { tryUdp } from '../../src/cli/site-check/try-udp.ts';
import { Failure } from '../../src/domain/failure.ts';
import type { LibvirtSite } from '../../src/domain/site.ts';
import type { Check } from '../../src/domain/site-check.ts';
import type { SiteVerb } from '../../src/domain/site-verbs.ts';
import { bundleMvcSite } from '../../src/site/bundle.ts';
import type { SiteDoor } from '../../src/transport/site-door.ts';

const udpPorts = { first: 7700, last: 7799 };
const site = {
  name: 'alpine',
  network: { bridge: 'lan0' },
  frontend: { publicAddress: '198.51.100.11', lanAddress: '192.168.10.1', inbound: true },
  containers: [{ name: 'h1', address: '192.168.10.11' }],
  udpPorts,
} as LibvirtSite;

type Question = { host: string; verb: SiteVerb; input: Record<string, unknown> };
type Answer = (question: Question) => unknown;

let asked: Question[];
let answers: Partial<Record<SiteVerb, Answer>>;
/** A host that answers as the test says. */
const door = {
  call: async (host: string, verb: SiteVerb, input: Record<string, unknown>) => {
    asked.push({ host, verb, input });
    return answers[verb]?.({ host, verb, input });
  },
} as SiteDoor;

beforeEach(async () => {
  asked = [];
  const programDigest = createHash('sha256')
    .update(await bundleMvcSite())
    .digest('hex');
  answers = {
    'host.check': () => ({
      clockMs: Date.now(),
      programDigest,
      udpPorts,
      missingBridges: [],
      forbiddenBridges: [],
    }),
    facts: ({ host }) => ({ host, sealKey: '', tools: {}, missing: [], domains: [] }),
  };
});

const brief = (checks: Check[]) => checks.map(({ check, state }) => `${check} ${state}`);

describe('one host of a site', () => {
  it('is asked for the site’s bridge where VMs will run, and has nothing to mend', async () => {
    const { answers: more, checks } = await tryHost(site, door, 'h1');
    expect(more).toBe(true);
    expect(checks.every((each) => each.site === 'alpine' && each.host === 'h1')).toBe(true);
    expect(checks.every(({ state }) => state === 'ok')).toBe(true);
    expect(asked).toContainEqual({ host: 'h1', verb: 'host.check', input: { bridges: ['lan0'] } });
  });

  it('is asked for no bridge at the physical frontend', async () => {
    await tryHost(site, door, 'physical-frontend');
    expect(asked.flatMap(({ input }) => input['bridges'] ?? [])).toEqual([]);
  });

  it('has to forward, if it is the physical frontend of VM containers that UDP is for', async () => {
    const before = answers['host.check'];
    answers['host.check'] = (question) => ({
      ...(before?.(question) as object),
      forwardsIpv4: false,
    });
    const found = async (host: string, of = site) =>
      brief((await tryHost(of, door, host)).checks).filter((each) => each.startsWith('forwarding'));
    expect(await found('physical-frontend')).toEqual(['forwarding mend']);
    expect(await found('h1')).toEqual([]);
    const frontend = { ...site.frontend, inbound: false };
    expect(await found('physical-frontend', { ...site, frontend })).toEqual(['forwarding ok']);
  });

  it('that cannot be asked is asked no more', async () => {
    answers['host.check'] = () => {
      throw new Failure('AccessDenied', 'it does not accept our key');
    };
    const { answers: more, checks } = await tryHost(site, door, 'h1');
    expect(more).toBe(false);
    expect(brief(checks)).toEqual(['ssh mend']);
    expect(asked).toHaveLength(1);
  });

  it('that was prepared as another one has its address to mend', async () => {
    answers['facts'] = () => ({ host: 'h2', sealKey: '', tools: {}, missing: [], domains: [] });
    const { checks } = await tryHost(site, door, 'h1');
    expect(checks.find(({ state }) => state === 'mend')?.found).toContain('prepared as h2');
  });

  it('whose libvirt does not answer has that to mend, and all else is told', async () => {
    answers['facts'] = () => {
      throw new Failure('CommandFailed', 'virsh cannot connect');
    };
    const { answers: more, checks } = await tryHost(site, door, 'h1');
    expect(more).toBe(true);
    expect(brief(checks)).toEqual([
      'ssh ok',
      'program ok',
      'clock ok',
      'policy ok',
      'libvirt mend',
    ]);
  });
});

describe('UDP to a site', () => {
  const senders = [
    { site: 'alpine', host: 'h1', door },
    { site: 'beach', host: 'h1', door },
  ];

  it('is tried from every VM container at the last port, which no overlay takes first', async () => {
    answers['udp.listen'] = () => ({ heard: ['alpine/h1', 'beach/h1'] });
    answers['udp.ask'] = ({ input }) =>
      input['sender'] === 'beach/h1' ? { answered: false } : { answered: true, rttMs: 1 };
    const checks = await tryUdp(site, door, senders);
    expect(checks.map((each) => `${each.site} ${each.state}`)).toEqual(['alpine ok', 'beach mend']);
    expect(checks[1]?.found).toContain('no answer comes back');
    expect(new Set(asked.map(({ input }) => input['port']))).toEqual(new Set([7799]));
  });

  it('takes the next port where one is in use', async () => {
    answers['udp.listen'] = ({ input }) => {
      if (input['port'] === 7799) throw new Failure('Busy', 'UDP port 7799 is in use');
      return { heard: ['alpine/h1', 'beach/h1'] };
    };
    answers['udp.ask'] = () => ({ answered: true, rttMs: 1 });
    const checks = await tryUdp(site, door, senders);
    expect(checks.every(({ state }) => state === 'ok')).toBe(true);
    expect(checks[0]?.found).toContain('UDP 7798');
  });

  it('is skipped for a sender that cannot be asked', async () => {
    answers['udp.listen'] = () => ({ heard: [] });
    answers['udp.ask'] = () => {
      throw new Failure('Timeout', 'it did not answer');
    };
    expect(brief(await tryUdp(site, door, senders))).toEqual(['udp skipped', 'udp skipped']);
  });

  it('is the physical frontend’s to mend where it cannot listen at all', async () => {
    answers['udp.listen'] = () => {
      throw new Failure('Forbidden', 'not among the ports', { help: 'agree on ports' });
    };
    answers['udp.ask'] = () => ({ answered: false });
    const checks = await tryUdp(site, door, senders);
    expect(checks).toMatchObject([{ host: 'physical-frontend', mend: 'agree on ports' }]);
  });
});
