import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VerifyReport } from '../../src/domain/cluster.ts';
import type { OwnedThing, SiteInput } from '../../src/domain/site.ts';
import { generateSshKey } from '../../src/transport/ssh-key.ts';
import { CommandLine } from '../helpers/command-line.ts';

interface ClusterStatus {
  phase: string;
  vms: {
    name: string;
    site: string;
    container: string;
    mac: string;
    address: string;
    role: string;
    state: string;
  }[];
}

interface Service {
  name: string;
  pid: number;
}

const sites = ['alpine', 'beach', 'cloud'];
const overAllSites = sites.flatMap((site) => ['--site', `${site}=1`]);
const minutes = 60_000;

let mvc: CommandLine;

beforeAll(async () => {
  mvc = await CommandLine.create();
  await mvc.ok('up');
  await mvc.ok('lab', 'up', '--rtt', '20');
  await Promise.all([
    ...sites.map((site) => mvc.ok('site', 'add', '-f', siteFile(site))),
    mvc.ok('image', 'build'),
  ]);
}, 10 * minutes);

afterAll(async () => {
  await mvc.run('lab', 'down');
  await mvc.run('down');
  await mvc.remove();
}, 3 * minutes);

function siteFile(site: string): string {
  return join(mvc.home, 'lab', 'sites', `${site}.json`);
}

/** Writes a site file like that of alpine, changed. */
async function changedSite(
  change: (site: { frontend: Record<string, unknown> } & Record<string, unknown>) => void,
) {
  const site = JSON.parse(await readFile(siteFile('alpine'), 'utf8'));
  site.name = 'changed';
  change(site);
  const file = join(mvc.home, 'changed.json');
  await writeFile(file, JSON.stringify(site satisfies SiteInput));
  return file;
}

async function plan(...argv: string[]) {
  return mvc.run('plan', 'planned', ...argv);
}

describe('in a wrong world', () => {
  it('a site whose frontend does not answer is not registered', async () => {
    const file = await changedSite((site) => (site.frontend['port'] = 9));
    const { exitCode, stderr } = await mvc.run('site', 'add', '-f', file);
    expect(exitCode).toBe(6);
    expect(stderr).toMatch(/site changed, host physical-frontend cannot be reached/);
  });

  it('a site that does not accept the key is not registered', async () => {
    const key = join(mvc.home, 'wrong-key');
    await writeFile(key, generateSshKey('wrong').privateKey, { mode: 0o600 });
    const { exitCode, stderr } = await mvc.run(
      'site',
      'add',
      '-f',
      await changedSite((site) => (site['key'] = key)),
    );
    expect(exitCode).toBe(7);
    expect(stderr).toContain('key');
  });

  it('a site with another host key than the given one is not registered, and both keys are shown', async () => {
    const wrong = `SHA256:${'A'.repeat(43)}`;
    const file = await changedSite((site) => (site.frontend['hostKey'] = wrong));
    const { exitCode, stderr } = await mvc.run('site', 'add', '-f', file);
    expect(exitCode).toBe(7);
    expect(stderr).toContain(wrong);
    expect(stderr.match(/SHA256:/g)?.length).toBeGreaterThan(1);
  });

  it('none of those left a site behind', async () => {
    const listed = await mvc.json<{ site: { name: string } }[]>('site', 'list');
    expect(listed.map(({ site }) => site.name)).toEqual(sites);
  });

  it('a site name that is taken is a conflict', async () => {
    const { exitCode, stderr } = await mvc.run('site', 'add', '-f', siteFile('alpine'));
    expect(exitCode).toBe(3);
    expect(stderr).toContain('already registered');
  });

  it('more VMs than a site can hold are found in the plan', async () => {
    const { exitCode, stderr } = await plan('--site', 'alpine=40');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('site alpine cannot hold');
  });

  it('an origin that is not among the sites, zero computes, and an insecure overlay are wrong input', async () => {
    expect(await plan('--site', 'alpine=1', '--origin', 'beach')).toMatchObject({ exitCode: 2 });
    expect(await plan('--site', 'alpine=0')).toMatchObject({ exitCode: 2 });
    const { exitCode, stderr } = await plan('--site', 'alpine=1', '--overlay', 'n2n');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('authenticates nobody');
  });

  it("a domain of somebody else's with our name is found in the plan and left untouched", async () => {
    const xml = `<domain type='qemu'><name>planned-compute-beach-0</name><memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>`;
    const define = 'cat >/tmp/theirs.xml; virsh -q define /tmp/theirs.xml';
    await mvc.ok('lab', 'exec', 'beach-h1', '--', 'sh', '-c', `printf '%s' "${xml}" | (${define})`);
    try {
      const { exitCode, stderr } = await plan('--site', 'alpine=1', '--site', 'beach=1');
      expect(exitCode).toBe(3);
      expect(stderr).toContain('planned-compute-beach-0');
      const names = await mvc.ok(
        'lab',
        'exec',
        'beach-h1',
        '--',
        'virsh',
        '-q',
        'list',
        '--all',
        '--name',
      );
      expect(names.trim()).toBe('planned-compute-beach-0');
    } finally {
      await mvc.ok(
        'lab',
        'exec',
        'beach-h1',
        '--',
        'virsh',
        '-q',
        'undefine',
        'planned-compute-beach-0',
      );
    }
  });

  it('without services a command says how to start them', async () => {
    const other = await CommandLine.create();
    try {
      const { exitCode, stderr } = await other.run('list');
      expect(exitCode).toBe(6);
      expect(stderr).toContain('mvc up');
    } finally {
      await other.remove();
    }
  });
});

describe('two clusters of different overlays, built at once over the same sites', () => {
  let one: ClusterStatus;
  let two: ClusterStatus;

  it(
    'both become ready, though both workers are killed while computes install',
    async () => {
      const first = mvc.run('create', 'one', ...overAllSites, '--json');
      const second = mvc.run(
        'create',
        'two',
        '--overlay',
        'n2n',
        '--insecure',
        '--origin',
        'beach',
        '--site',
        'beach=1',
        '--json',
      );
      await someComputeStarted();
      expect((await mvc.run('create', 'one', ...overAllSites)).exitCode).toBe(4);
      await killWorkers();
      const ended = await Promise.all([first, second]);
      expect(ended.map(({ exitCode, stderr }) => [exitCode, stderr])).toEqual([
        [0, ''],
        [0, ''],
      ]);
      const reports = ended.map(
        ({ stdout }) => (JSON.parse(stdout) as { report: VerifyReport }).report,
      );
      expect(reports[0]?.mpi.nodes).toEqual([
        'compute-alpine-0',
        'compute-beach-0',
        'compute-cloud-0',
      ]);
      expect(reports[0]?.rtt.length).toBeGreaterThan(0);
      expect(reports.map((report) => report.mtu)).toEqual([1420, 1400]);
    },
    12 * minutes,
  );

  it('share no MAC, address or network', async () => {
    one = await mvc.json<ClusterStatus>('status', 'one');
    two = await mvc.json<ClusterStatus>('status', 'two');
    expect([one.phase, two.phase]).toEqual(['ready', 'ready']);
    const vms = [...one.vms, ...two.vms];
    expect(vms).toHaveLength(6);
    expect(new Set(vms.map((vm) => vm.mac)).size).toBe(6);
    expect(new Set(vms.map((vm) => vm.address)).size).toBe(6);
  });

  it('have every VM once, where the plan has it', async () => {
    const things = await mvc.json<(OwnedThing & { site: string })[]>('inventory');
    const found = things
      .filter((thing) => thing.kind === 'vm')
      .map((thing) => `${thing.site}/${thing.host}/${thing.name}`);
    const planned = [
      ...one.vms.map((vm) => `${vm.site}/${vm.container}/one-${vm.name}`),
      ...two.vms.map((vm) => `${vm.site}/${vm.container}/two-${vm.name}`),
    ];
    expect(found.toSorted()).toEqual(planned.toSorted());
  });

  it('run a job of an ordinary user who logs in over ssh', async () => {
    const output = await mvc.ok('ssh', 'one', '--', 'srun', '-N3', 'hostname');
    expect(output.trim().split('\n').toSorted()).toEqual([
      'compute-alpine-0',
      'compute-beach-0',
      'compute-cloud-0',
    ]);
  });

  it('make their networks a conflict, and a second create of one finds it ready', async () => {
    const again = await mvc.ok('create', 'one', ...overAllSites);
    expect(again).toContain('cluster one is ready already; nothing was changed');
    const { exitCode, stderr } = await plan('--site', 'alpine=1', '--network', '10.77.0.0/16');
    expect(exitCode).toBe(3);
    expect(stderr).toContain('overlaps');
  });

  it('left no secret in logs, arguments of processes, or the history of the workflows', async () => {
    const keys = await overlayKeysAt('beach-h1');
    expect(keys.map(({ length }) => length > 20)).toEqual([true, true, true]);
    const keysIn = (text: string) => keys.filter((key) => text.includes(key));
    for (const directory of ['logs', 'temporal']) {
      for (const file of await filesBelow(join(mvc.home, directory)))
        expect(keysIn(await readFile(file, 'latin1'))).toEqual([]);
    }
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      // Processes end meanwhile.
      const argv = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      expect(keysIn(argv)).toEqual([]);
    }
  });

  it(
    'are destroyed without a trace, and only the one that is named',
    async () => {
      await mvc.ok('destroy', 'one', '--yes');
      const left = await mvc.json<OwnedThing[]>('inventory');
      expect(new Set(left.map((thing) => thing.cluster))).toEqual(new Set(['two']));
      await mvc.ok('destroy', 'two', '--yes');
      expect(await mvc.json('inventory')).toEqual([]);
      for (const machine of ['alpine-h1', 'beach-h1', 'beach-h2', 'cloud-h1']) {
        expect(
          (
            await mvc.ok('lab', 'exec', machine, '--', 'virsh', '-q', 'list', '--all', '--name')
          ).trim(),
        ).toBe('');
      }
    },
    3 * minutes,
  );
});

async function someComputeStarted(): Promise<void> {
  for (;;) {
    const things = await mvc.json<(OwnedThing & { site: string })[]>(
      'inventory',
      '--cluster',
      'one',
    );
    if (
      things.some((thing) => thing.name === 'one-compute-alpine-0') &&
      (await runsAt('alpine-h1', 'one-compute-alpine-0'))
    )
      return;
    await sleep(2_000);
  }
}

async function runsAt(machine: string, domain: string): Promise<boolean> {
  const running = await mvc.ok('lab', 'exec', machine, '--', 'virsh', '-q', 'list', '--name');
  return running.split('\n').includes(domain);
}

async function killWorkers(): Promise<void> {
  const { services } = await mvc.json<{ services: Service[] }>('status');
  const workers = services.filter(({ name }) => name.endsWith('-worker'));
  expect(workers).toHaveLength(2);
  for (const { pid } of workers) process.kill(pid, 'SIGKILL');
}

/** As the programs get them, read as root at the host: of an n2n edge, of the container's links, and one that it shares. */
async function overlayKeysAt(machine: string): Promise<string[]> {
  const ofEdge = `for p in /proc/[0-9]*; do tr '\\0' '\\n' 2>/dev/null <$p/environ | sed -n 's/^N2N_KEY=//p'; done | head -n1`;
  const places = [ofEdge, 'cat /var/lib/mvc/link.key', 'cat /var/lib/mvc/overlay/*/psk/1'];
  const found = places.map((place) => mvc.ok('lab', 'exec', machine, '--', 'sh', '-c', place));
  return (await Promise.all(found)).map((key) => key.trim());
}

async function filesBelow(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
