import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { chmod, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { siteSchema, type LibvirtSite } from '../../../src/domain/site.ts';
import { labAddress, labNat, labWan } from '../../../src/lab/faults.ts';
import { labDown, labExecArgv, labReboot, labStatus, labUp } from '../../../src/lab/lab.ts';
import { namespaceOf, natKinds, wan, type NatKind } from '../../../src/lab/plan.ts';
import { findProcesses } from '../../../src/lab/processes.ts';
import { ensureProjectPrograms } from '../../../src/lab/project-programs.ts';
import type { LabReport } from '../../../src/lab/status.ts';
import { createSshDoor } from '../../../src/transport/ssh-door.ts';
import { watchFrames, watchLan, watchWan } from './frames.ts';
import { startUdpProgram, type UdpProgram } from './udp-program.ts';

const alpine = '198.51.100.11';
const beach = '198.51.100.12';
const cloud = '198.51.100.13';
/** Outside of the ports that a gateway takes for its own programs. */
const insidePort = 9750;
const forwardedPort = 7760;

/** What programs see of a NAT. */
interface Seen {
  /** The port under which each of two remotes sees the program. */
  mapping: 'kept' | 'another for each' | 'nothing comes';
  /** Whose datagrams come to the port that the first remote sees. */
  letsIn: { unasked: boolean; asked: boolean; otherPort: boolean; otherHost: boolean };
  /** A rule of the site that forwards a UDP port to a container has an effect. */
  forwards: boolean;
}

const onlyAsked = { unasked: false, asked: true, otherPort: false, otherHost: false };
const kinds: Record<NatKind, Seen> = {
  open: { mapping: 'kept', letsIn: onlyAsked, forwards: true },
  'full-cone': {
    mapping: 'kept',
    letsIn: { ...onlyAsked, otherPort: true, otherHost: true },
    forwards: false,
  },
  'port-restricted': { mapping: 'kept', letsIn: onlyAsked, forwards: false },
  symmetric: { mapping: 'another for each', letsIn: onlyAsked, forwards: false },
  'udp-blocked': {
    mapping: 'nothing comes',
    letsIn: { ...onlyAsked, asked: false },
    forwards: false,
  },
  double: { mapping: 'kept', letsIn: onlyAsked, forwards: false },
};

describe('the gateway of a site', () => {
  let home: string;
  let lab: LabReport;
  let programs: Record<'inside' | 'forwarded' | 'remote' | 'otherPort' | 'otherHost', UdpProgram>;
  let texts = 0;

  beforeAll(async () => {
    home = join(await mkdtemp(join(tmpdir(), 'mvc-nat-')), 'lab');
    lab = await labUp({ home, rttMs: 4 });
    programs = {
      inside: await startUdpProgram(home, 'beach-h1', insidePort),
      forwarded: await startUdpProgram(home, 'beach-h2', forwardedPort),
      remote: await startUdpProgram(home, 'alpine', 7701),
      otherPort: await startUdpProgram(home, 'alpine', 7702),
      otherHost: await startUdpProgram(home, 'cloud', 7701),
    };
    forwardPort();
  });
  afterAll(async () => {
    await Promise.all(Object.values(programs ?? {}).map((each) => each.end()));
    await labDown({ home });
    rmSync(join(home, '..'), { recursive: true });
  });

  it('is open in a new lab', () => {
    expect(lab.sites.map((site) => site.nat)).toEqual(['open', 'open', 'open']);
  });

  it.each(natKinds)('translates and filters as its kind says: %s', async (kind) => {
    await labNat({ home, site: 'beach', kind });
    expect(await beachNow()).toMatchObject({ nat: kind, connected: true });
    expect(await look()).toEqual(kinds[kind]);
  });

  it.each(natKinds)('lets ssh in and TCP out with each kind: %s', async (kind) => {
    await labNat({ home, site: 'beach', kind });
    const door = createSshDoor(beachSite());
    expect(await door.call('h1', 'facts', {})).toMatchObject({ host: 'h1' });
    door.close();
    expect(
      await inside('beach-h1', ['socat', '-u', `TCP:${alpine}:22,readbytes=7`, 'STDOUT']),
    ).toBe('SSH-2.0');
  });

  it('drops without an answer, so that what leaves next keeps its port', async () => {
    await labNat({ home, site: 'beach', kind: 'port-restricted' });
    const answers = watchFrames(at('alpine'), [wan.interface], 'icmp type destination-unreachable');
    expect(await goes(programs.remote, beach, insidePort, programs.inside)).toBeUndefined();
    expect(await goes(programs.inside, alpine, 7701, programs.remote)).toMatchObject({
      port: insidePort,
    });
    expect(answers.count()).toBe(0);
    answers.end();
  });

  it('forgets its flows when it is replaced', async () => {
    await labNat({ home, site: 'beach', kind: 'full-cone' });
    await goes(programs.inside, alpine, 7701, programs.remote);
    expect(await goes(programs.otherHost, beach, insidePort, programs.inside)).toBeDefined();
    await labNat({ home, site: 'beach', kind: 'port-restricted' });
    expect(await goes(programs.otherHost, beach, insidePort, programs.inside)).toBeUndefined();
    expect(await goes(programs.remote, beach, insidePort, programs.inside)).toBeUndefined();
  });

  it('shows the source of what it hands on, and the answer comes from the forwarded port', async () => {
    await labNat({ home, site: 'beach', kind: 'open' });
    const asked = await goes(programs.remote, beach, forwardedPort, programs.forwarded);
    expect(asked).toMatchObject({ address: alpine, port: 7701 });
    expect(await goes(programs.forwarded, alpine, 7701, programs.remote)).toMatchObject({
      address: beach,
      port: forwardedPort,
    });
  });

  it('hands on TCP too, as rules of the site say', async () => {
    await labNat({ home, site: 'beach', kind: 'open' });
    const listen = `timeout 15 socat -u TCP-LISTEN:${forwardedPort} STDOUT`.split(' ');
    const [program, ...args] = await labExecArgv({ home, machine: 'beach-h2', argv: listen });
    const listens = promisify(execFile)(program, args, { cwd: '/' });
    const asks = `TCP:${beach}:${forwardedPort},connect-timeout=5,retry=20,interval=0.5`;
    await inside('alpine', ['sh', '-c', `printf heard | socat -u STDIN ${asks}`]);
    expect(await listens).toMatchObject({ stdout: 'heard' });
  });

  it('hands nothing on beyond the UDP ports of its site', async () => {
    forwardPort(9760);
    expect(await goes(programs.remote, beach, 9760, programs.forwarded)).toBeUndefined();
    forwardPort();
  });

  it('loses UDP of its own programs too where UDP is blocked, and tells them nothing', async () => {
    await labNat({ home, site: 'beach', kind: 'udp-blocked' });
    const onLan = watchLan(lab, 'beach', 'udp dport 7701');
    const away = watchFrames(at('alpine'), [wan.interface], 'udp dport 7701');
    expect(await goes(programs.inside, alpine, 7701, programs.remote)).toBeUndefined();
    const send = `printf x | socat -u STDIN UDP:${alpine}:7701`;
    expect(await inside('beach', ['sh', '-c', send])).toBe('');
    // Twice: it comes by the container's port of the bridge, and to the bridge itself.
    expect([onLan.count(), away.count()]).toEqual([2, 0]);
    onLan.end();
    away.end();
  });

  it('has no public address itself behind a second NAT', async () => {
    await labNat({ home, site: 'beach', kind: 'double' });
    const onWan = watchWan(lab, 'beach', `ip saddr 100.64.0.2 udp sport ${insidePort}`);
    expect(await inside('beach', ['ip', '-4', 'addr', 'show', 'wan0'])).not.toContain(beach);
    expect(await goes(programs.inside, alpine, 7701, programs.remote)).toMatchObject({
      address: beach,
      port: insidePort,
    });
    expect(onWan.count()).toBe(1);
    onWan.end();
  });

  it('keeps its kind when its WAN is cut, when it boots, and when it is repaired', async () => {
    await labWan({ home, site: 'beach', state: 'down' });
    await labNat({ home, site: 'beach', kind: 'double' });
    expect(await goes(programs.inside, alpine, 7701, programs.remote)).toBeUndefined();
    await labWan({ home, site: 'beach', state: 'up' });
    expect(await reaches()).toBe(true);

    await labReboot({ home, machine: 'beach' });
    expect(await reaches()).toBe(true);

    for (const each of findProcesses(lab.id)) {
      if (each.role === 'wan:beach') process.kill(each.pid, 'SIGKILL');
    }
    expect((await labUp({ home })).complete).toBe(true);
    expect(await beachNow()).toMatchObject({ nat: 'double' });
    expect(await reaches()).toBe(true);
  });

  it('moves to another public address, and the door follows', async () => {
    const moved = '198.51.100.77';
    for (const kind of ['double', 'open'] as const) {
      await labNat({ home, site: 'beach', kind });
      await labAddress({ home, site: 'beach', address: moved });
      expect(await beachNow()).toMatchObject({ publicAddress: moved, connected: true });
      expect(beachSite().frontend.publicAddress).toBe(moved);
      const seen = await goes(programs.inside, alpine, 7701, programs.remote);
      expect(seen).toMatchObject({ address: moved, port: insidePort });
      const door = createSshDoor(beachSite());
      expect(await door.call('physical-frontend', 'facts', {})).toMatchObject({ missing: [] });
      door.close();
      await labAddress({ home, site: 'beach', address: beach });
    }
  });

  it('moves away from the door if asked, until the lab is repaired', async () => {
    const moved = '198.51.100.78';
    await labAddress({ home, site: 'beach', address: moved, door: 'stays' });
    expect(await beachNow()).toMatchObject({ publicAddress: moved, connected: false });
    const door = createSshDoor(beachSite());
    const asking = door.call('physical-frontend', 'facts', {}, { timeoutMs: 2000 });
    await expect(asking).rejects.toThrow();
    door.close();
    expect((await labUp({ home })).complete).toBe(true);
    const again = createSshDoor(beachSite());
    expect(await again.call('physical-frontend', 'facts', {})).toMatchObject({ missing: [] });
    again.close();
    await labAddress({ home, site: 'beach', address: beach });
  });

  it('takes no address that another site has, or that is not of the WAN', async () => {
    const change = (address: string) => labAddress({ home, site: 'beach', address });
    await expect(change(cloud)).rejects.toMatchObject({ kind: 'Conflict' });
    await expect(change(wan.controllerAddress)).rejects.toMatchObject({ kind: 'BadInput' });
    await expect(change('203.0.113.5')).rejects.toMatchObject({ kind: 'BadInput' });
  });

  it('gives programs of the project to machines that run already', async () => {
    const tools = await mkdtemp(join(tmpdir(), 'mvc-tools-'));
    const pid = lab.sites[0]?.machines[1]?.pid ?? 0;
    await ensureProjectPrograms(pid, tools);
    for (const said of ['first', 'second']) {
      await writeFile(join(tools, 'wireguard-go'), `#!/bin/sh\necho ${said}\n`);
      await chmod(join(tools, 'wireguard-go'), 0o600);
      await ensureProjectPrograms(pid, tools);
      expect(await inside('alpine-h1', ['/usr/local/bin/wireguard-go'])).toBe(`${said}\n`);
    }
    rmSync(tools, { recursive: true });
    await labReboot({ home, machine: 'alpine-h1' });
    expect(await inside('alpine-h1', ['/usr/local/bin/wireguard-go'])).toBe('second\n');
  });

  /** The programs find out what the NAT between them does. */
  async function look(): Promise<Seen> {
    const { inside: container, remote, otherPort, otherHost, forwarded } = programs;
    const unasked = await goes(remote, beach, insidePort, container);
    const first = await goes(container, alpine, 7701, remote);
    const seenPort = first?.port ?? insidePort;
    const letsIn = {
      unasked: unasked !== undefined,
      asked: (await goes(remote, beach, seenPort, container)) !== undefined,
      otherPort: (await goes(otherPort, beach, seenPort, container)) !== undefined,
      otherHost: (await goes(otherHost, beach, seenPort, container)) !== undefined,
    };
    const second = await goes(container, cloud, 7701, otherHost);
    const forwards = (await goes(otherHost, beach, forwardedPort, forwarded)) !== undefined;
    for (const each of [first, second]) expect(each?.address ?? beach).toBe(beach);
    return { mapping: mappingOf([first?.port, second?.port]), letsIn, forwards };
  }

  function mappingOf([first, second]: (number | undefined)[]): Seen['mapping'] {
    if (first === undefined && second === undefined) return 'nothing comes';
    if (first === insidePort && second === insidePort) return 'kept';
    expect(new Set([insidePort, first, second])).toHaveProperty('size', 3);
    return 'another for each';
  }

  async function goes(from: UdpProgram, address: string, port: number, to: UdpProgram) {
    const text = `text ${(texts += 1)}`;
    from.send(address, port, text);
    return to.hears(text);
  }

  async function reaches(): Promise<boolean> {
    return (await goes(programs.inside, alpine, 7701, programs.remote)) !== undefined;
  }

  /** As programs of a site do it, in a table of their own. */
  function forwardPort(port = forwardedPort): void {
    const rules = `add table ip site
      delete table ip site
      table ip site {
        chain forwarding {
          type nat hook prerouting priority dstnat;
          iifname "wan0" meta l4proto { tcp, udp } th dport ${port} dnat to 192.168.10.12:${forwardedPort}
        }
      }
    `;
    execFileSync('nsenter', [`--net=/run/netns/${at('beach')}`, 'nft', '-f', '-'], {
      input: rules,
    });
  }

  function at(machine: string): string {
    return namespaceOf(lab.id, machine);
  }

  /** Runs a program in the machine, which must end well. */
  async function inside(machine: string, argv: string[]): Promise<string> {
    const [program, ...args] = await labExecArgv({ home, machine, argv });
    return execFileSync(program, args, { cwd: '/', timeout: 20_000 }).toString();
  }

  async function beachNow() {
    return (await labStatus({ home })).sites[1];
  }

  function beachSite(): LibvirtSite {
    const site = siteSchema.parse(JSON.parse(readFileSync(lab.siteFiles[1] ?? '', 'utf8')));
    if (site.kind !== 'libvirt') throw new Error('not a libvirt site');
    return site;
  }
});
