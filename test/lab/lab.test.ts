import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { siteSchema, type LibvirtSite } from '../../src/domain/site.ts';
import { labCut, labDisk, labHostKey, labKill, labRestart, labWan } from '../../src/lab/faults.ts';
import { labDown, labExecArgv, labReboot, labRtt, labStatus, labUp } from '../../src/lab/lab.ts';
import { labId } from '../../src/lab/plan.ts';
import { findProcesses } from '../../src/lab/processes.ts';
import type { LabReport } from '../../src/lab/status.ts';
import { createSshDoor } from '../../src/transport/ssh-door.ts';

const facts = '{"protocol":1,"verb":"facts","input":{}}\n';

describe('a lab of three sites with 60 ms between any two', () => {
  let home: string;
  let lab: LabReport;
  let before: string;

  beforeAll(async () => {
    before = hostNetwork();
    home = join(await mkdtemp(join(tmpdir(), 'mvc-lab-')), 'lab');
    lab = await labUp({ home, rttMs: 60 });
  });
  afterAll(async () => {
    await labDown({ home });
    rmSync(join(home, '..'), { recursive: true });
  });

  it('is complete, with two VM containers at one site', async () => {
    expect(await labStatus({ home })).toMatchObject({ complete: true, rttMs: 60 });
    expect(lab.sites.map((site) => site.machines.length)).toEqual([2, 3, 2]);
  });

  it('leaves the network of this machine as it is', () => {
    expect(hostNetwork()).toBe(before);
  });

  it('lets the door of the product ask every host for its facts', async () => {
    for (const file of lab.siteFiles) {
      const site = readSite(file);
      const door = createSshDoor(site);
      try {
        expect(await door.call('physical-frontend', 'facts', {})).toMatchObject({ missing: [] });
        for (const { name } of site.containers) {
          expect(await door.call(name, 'facts', {})).toMatchObject({
            host: name,
            missing: [],
            domains: [],
            capacity: { memoryMiB: 6144, cpus: 8 },
          });
        }
      } finally {
        door.close();
      }
    }
  });

  it('runs nothing but mvc-site for the key, whatever it asks for', async () => {
    const asked = await ssh(['id'], { input: facts });
    expect(JSON.parse(asked.stdout)).toMatchObject({ ok: true });
    expect((await ssh(['sftp'], { flags: ['-s'], input: facts })).stdout).toMatch(/^\{"ok":true/);
    expect((await ssh([], { flags: ['-tt'], input: facts })).stderr).toMatch(
      /PTY allocation request failed/,
    );
  });

  it("refuses root, and another site's key", async () => {
    const root = await ssh(['id'], { user: 'root' });
    expect(root).toMatchObject({ code: 255, stdout: '' });
    expect(root.stderr).toContain('Permission denied');
    expect((await ssh([], { key: 1 })).stderr).toContain('Permission denied');
  });

  it('lets the key through to the VM containers and nowhere else', async () => {
    const toContainer = await ssh([], { flags: ['-W', '192.168.10.11:22'] });
    expect(toContainer.stdout).toMatch(/^SSH-2\.0-OpenSSH/);
    for (const target of ['192.168.10.1:22', '192.168.10.11:111', '198.51.100.12:22']) {
      expect((await ssh([], { flags: ['-W', target] })).stderr).toContain(
        'stdio forwarding failed',
      );
    }
    expect(
      (
        await ssh([], {
          flags: ['-N', '-R', '7000:127.0.0.1:22', '-o', 'ExitOnForwardFailure=yes'],
        })
      ).code,
    ).toBe(255);
  });

  it('lets the account use sudo for the program alone', async () => {
    const asMvc = ['setpriv', '--reuid', 'mvc', '--regid', 'mvc', '--clear-groups', 'sudo', '-n'];
    expect((await inside('alpine', [...asMvc, 'id'])).code).not.toBe(0);
    const program = '/usr/local/lib/mvc/mvc-site';
    expect((await inside('alpine', [...asMvc, program, '--help'])).code).not.toBe(0);
    const good = await inside('alpine', [...asMvc, program], facts);
    expect(good.stdout).toMatch(/^\{"ok":true/);
  });

  it('hides VM containers from the other sites, whose private addresses are the same', async () => {
    const routed = await inside('beach', ['ip', 'route', 'get', '192.168.10.11']);
    expect(routed.stdout).toContain('dev lan0');
    // Even a neighbour on the WAN that knows the way gets nothing through the gateway.
    await inside('cloud', ['ip', 'route', 'add', '192.168.10.12/32', 'via', '198.51.100.12']);
    const ping = await inside('cloud', ['ping', '-c', '2', '-W', '1', '192.168.10.12']);
    await inside('cloud', ['ip', 'route', 'del', '192.168.10.12/32']);
    expect(ping.code).toBe(1);
  });

  it('delays packets between sites as asked, also when that changes', async () => {
    expect(await rttMs('beach-h2', '198.51.100.13')).toBeCloseTo(60, -1);
    await labRtt({ home, ms: 20 });
    expect(await rttMs('beach-h2', '198.51.100.13')).toBeCloseTo(20, -1);
    await labRtt({ home, ms: 60 });
  });

  it('lets UDP out through NAT and drops what nobody asked for, except for overlays', async () => {
    expect(
      await udp({ from: 'beach-h1', to: 'alpine', address: '198.51.100.11', port: 7700 }),
    ).toBe('198.51.100.12');
    expect(
      await udp({ from: 'beach-h1', to: 'alpine', address: '198.51.100.11', port: 9000 }),
    ).toBe('');
  });

  it('lets connections hang while a site is cut off the WAN, and go on after', async () => {
    const door = createSshDoor(readSite(lab.siteFiles[1] ?? ''));
    await door.call('h1', 'facts', {});
    await labWan({ home, site: 'beach', state: 'down' });
    expect(await labStatus({ home })).toMatchObject({ complete: false });
    const ping = await inside('alpine', ['ping', '-c', '2', '-W', '1', '198.51.100.12']);
    expect(ping).toMatchObject({ code: 1 });
    expect(ping.stdout).not.toContain('Unreachable');
    await expect(door.call('h1', 'facts', {}, { timeoutMs: 1000 })).rejects.toThrow(/not answer/);
    await labWan({ home, site: 'beach', state: 'up' });
    expect(await door.call('h1', 'facts', {})).toMatchObject({ host: 'h1' });
    door.close();
    expect(await labStatus({ home })).toMatchObject({ complete: true });
  });

  it('cuts a connection in the middle of a command, which the door takes for no answer', async () => {
    const door = createSshDoor(readSite(lab.siteFiles[2] ?? ''));
    await door.call('h1', 'facts', {});
    const cutting = labCut({ home, machine: 'cloud-h1', duringCommandMs: 20_000 });
    await expect(door.call('h1', 'facts', {})).rejects.toMatchObject({ kind: 'Unreachable' });
    expect(await cutting).toBe(1);
    expect(await door.call('h1', 'facts', {})).toMatchObject({ host: 'h1' });
    door.close();
    await expect(labCut({ home, machine: 'cloud-h1', duringCommandMs: 100 })).rejects.toMatchObject(
      { kind: 'Timeout' },
    );
  });

  it('restarts sshd and libvirtd, kindly and not, and says where there is none', async () => {
    for (const kill of [false, true]) {
      await labRestart({ home, machine: 'cloud-h1', service: 'sshd', kill });
      await labRestart({ home, machine: 'cloud-h1', service: 'libvirtd', kill });
    }
    expect((await inside('cloud-h1', ['virsh', '-q', 'list'])).code).toBe(0);
    await expect(labRestart({ home, machine: 'cloud', service: 'libvirtd' })).rejects.toThrow(
      /no libvirtd/,
    );
  });

  it('kills programs inside one machine only', async () => {
    const sleeping = ['alpine', 'beach'].map((machine) => inside(machine, ['sleep', '7.5']));
    await sleep(300);
    expect(await labKill({ home, machine: 'beach', program: 'sleep', containing: '7.5' })).toBe(1);
    expect((await Promise.all(sleeping)).map(({ code }) => code)).toEqual([0, -1]);
  });

  it('shows another host key, to which the door says nothing, and its own again', async () => {
    const door = createSshDoor(readSite(lab.siteFiles[2] ?? ''));
    await labHostKey({ home, machine: 'cloud-h1', action: 'change' });
    await expect(door.call('h1', 'facts', {})).rejects.toMatchObject({ kind: 'HostKeyChanged' });
    await labHostKey({ home, machine: 'cloud-h1', action: 'restore' });
    expect(await door.call('h1', 'facts', {})).toMatchObject({ host: 'h1' });
    door.close();
  });

  it('fills the pool of a machine and frees it; what is in it stays', async () => {
    const write = (file: string) => [
      'dd',
      'if=/dev/zero',
      `of=/var/lib/mvc/${file}`,
      'bs=1M',
      'count=3',
    ];
    await inside('cloud-h1', ['touch', '/var/lib/mvc/kept']);
    await labDisk({ home, machine: 'cloud-h1', action: 'fill', roomMiB: 2 });
    expect((await inside('cloud-h1', write('first'))).stderr).toContain('No space left on device');
    await labDisk({ home, machine: 'cloud-h1', action: 'free' });
    expect((await inside('cloud-h1', write('second'))).code).toBe(0);
    await labDisk({ home, machine: 'cloud-h1', action: 'fill' });
    expect((await inside('cloud-h1', write('third'))).code).toBe(1);
    await labDisk({ home, machine: 'cloud-h1', action: 'free' });
    expect((await inside('cloud-h1', ['ls', '/var/lib/mvc'])).stdout).toContain('kept');
  });

  it('brings a machine back after its power was cut, with its disk and services', async () => {
    await inside('beach-h1', ['touch', '/etc/mvc/kept']);
    await inside('beach-h1', ['ip', 'link', 'add', 'extra', 'type', 'bridge']);
    await labReboot({ home, machine: 'beach-h1' });
    expect((await inside('beach-h1', ['ls', '/etc/mvc/kept'])).code).toBe(0);
    expect((await inside('beach-h1', ['ip', 'link', 'show', 'extra'])).code).toBe(1);
    expect((await inside('beach-h1', ['virsh', 'list'])).code).toBe(0);
    const door = createSshDoor(readSite(lab.siteFiles[1] ?? ''));
    expect(await door.call('h1', 'facts', {})).toMatchObject({ host: 'h1' });
    door.close();
  });

  it('is repaired by a second up after a machine and a wire have died', async () => {
    const victim = lab.sites[2]?.machines[1]?.pid ?? 0;
    expect(readFileSync(`/proc/${victim}/environ`, 'utf8')).toContain(`MVC_LAB=${lab.id}`);
    process.kill(victim, 'SIGKILL');
    killRole('wire:cloud');
    await sleep(300);
    expect(await labStatus({ home })).toMatchObject({ complete: false });
    expect(await labUp({ home })).toMatchObject({ complete: true, rttMs: 60 });
    expect(await rttMs('cloud-h1', '198.51.100.11')).toBeCloseTo(60, -1);
  });

  it('does not become a lab of another shape', async () => {
    await expect(labUp({ home, sites: 4 })).rejects.toThrow(/has 3 sites with 1, 2, 1/);
  });

  function readSite(file: string): LibvirtSite {
    const site = siteSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    if (site.kind !== 'libvirt') throw new Error('not a libvirt site');
    return site;
  }

  /** OpenSSH's own client at the first site's door. */
  function ssh(
    words: string[],
    options: { flags?: string[]; user?: string; key?: number; input?: string } = {},
  ) {
    const [address = '', port = ''] = lab.sites[0]?.door.split(':') ?? [];
    const settings = [
      'StrictHostKeyChecking=no',
      'UserKnownHostsFile=/dev/null',
      'BatchMode=yes',
      'IdentitiesOnly=yes',
      'IdentityAgent=none',
    ];
    return run(
      [
        'ssh',
        '-F',
        'none',
        ...settings.flatMap((each) => ['-o', each]),
        '-i',
        lab.sites[options.key ?? 0]?.keyFile ?? '',
        '-p',
        port,
        ...(options.flags ?? []),
        `${options.user ?? 'mvc'}@${address}`,
        ...words,
      ],
      options.input,
    );
  }

  async function inside(machine: string, argv: string[], input = '') {
    return run(await labExecArgv({ home, machine, argv }), input);
  }

  /** The least of five, in milliseconds: the others may have waited for a busy processor. */
  async function rttMs(from: string, to: string): Promise<number> {
    const ping = await inside(from, ['ping', '-c', '5', '-i', '0.2', '-q', to]);
    return Number(/= ([\d.]+)\//.exec(ping.stdout)?.[1]);
  }

  /** Sends one packet; returns the address from which it seemed to come, or nothing if it did not come. */
  async function udp(packet: { from: string; to: string; address: string; port: number }) {
    const listening = inside(packet.to, [
      'timeout',
      '2',
      'socat',
      '-u',
      `UDP-RECVFROM:${packet.port}`,
      'SYSTEM:printf %s "$SOCAT_PEERADDR"',
    ]);
    await sleep(500);
    await inside(
      packet.from,
      ['socat', '-u', 'STDIN', `UDP:${packet.address}:${packet.port}`],
      'hello',
    );
    return (await listening).stdout;
  }

  function killRole(role: string): void {
    for (const each of findProcesses(lab.id)) {
      if (each.role === role) process.kill(each.pid, 'SIGKILL');
    }
  }
});

describe('a lab that is gone', () => {
  it('leaves no process, namespace, mount or file, however far it had come', async () => {
    const before = hostNetwork();
    const seen: boolean[] = [];
    for (const afterMs of [150, 500, 1000, 2000, 3500]) {
      const home = join(await mkdtemp(join(tmpdir(), 'mvc-lab-')), 'lab');
      const lab = new URL('../../src/lab/lab.ts', import.meta.url).href;
      const making = spawn(process.execPath, [
        '-e',
        `import(${JSON.stringify(lab)}).then(({ labUp }) => {
          console.log('begins');
          return labUp({ home: ${JSON.stringify(home)} });
        })`,
      ]);
      // A busy machine may take seconds to load the program.
      await once(making.stdout, 'data');
      await sleep(afterMs);
      seen.push(traces(home) !== before);
      making.kill('SIGKILL');
      await labDown({ home });
      rmSync(join(home, '..'), { recursive: true });
      expect(traces(home)).toBe(before);
    }
    expect(seen.filter(Boolean).length).toBeGreaterThan(2);
  });
});

function hostNetwork(): string {
  return (
    execFileSync('ip', ['-j', 'link']).toString() + execFileSync('ip', ['-j', 'route']).toString()
  );
}

/** Whatever there is of one lab, and the network of this machine. Other labs may come and go meanwhile. */
function traces(home: string): string {
  const id = labId(home);
  return [
    ...findProcesses(id).map((each) => `${each.pid} ${each.role}`),
    ...readdirSync('/run').filter((name) => name.includes(id)),
    ...(existsSync('/run/netns') ? readdirSync('/run/netns') : []).filter((name) =>
      name.includes(id),
    ),
    ...readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(id) || line.includes(home)),
    ...(existsSync(home) ? readdirSync(home) : []),
    hostNetwork(),
  ].join('\n');
}

function run(
  argv: string[],
  input = '',
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { cwd: '/', timeout: 20_000 });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
