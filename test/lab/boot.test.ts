import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyReportSchema, type NodeState } from '../../src/domain/cluster.ts';
import { ensureNodeImage } from '../../src/image/node-image.ts';
import { requiredRolls } from '../../src/rolls/rolls.ts';
import { renderComputeSeed, renderFrontendSeed } from '../../src/rolls/seed.ts';
import { demoCluster } from './boot/demo-cluster.ts';
import { Machine } from './boot/machine.ts';
import { Namespace } from './boot/namespace.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log('skipped: booting VMs on a network of their own needs root');

const minute = 60_000;
const names = ['compute-beach-0', 'compute-cloud-0'];

describe.skipIf(!isRoot)('VMs made from the node image', { timeout: 5 * minute }, () => {
  const { context, secrets } = demoCluster();
  const directory = mkdtempSync(join(tmpdir(), 'mvc-boot-'));
  const machines = new Map<string, Machine>();
  let namespace: Namespace;
  let bundle = '';

  beforeAll(async () => {
    const images = process.env['MVC_TEST_IMAGES'] ?? join(tmpdir(), 'mvc-test-images');
    mkdirSync(images, { recursive: true });
    const start = Date.now();
    const image = await ensureNodeImage({ directory: images, rolls: requiredRolls });
    note(`image of ${image.size} bytes after`, start);
    bundle = image.path;
    namespace = await Namespace.open();
    for (const bridge of ['overlay', 'site']) {
      await namespace.run('ip', 'link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0');
      await namespace.run('ip', 'link', 'set', bridge, 'up');
    }
    makeDataDisk(join(directory, 'frontend.data'));
  }, 10 * minute);

  afterAll(async () => {
    for (const machine of machines.values()) await machine.stop();
    await namespace?.close();
    rmSync(directory, { recursive: true });
  });

  async function startMachine(name: string): Promise<void> {
    const vm = context.vms.find((each) => each.name === name);
    if (!vm) throw new Error(`there is no ${name}`);
    const seed =
      vm.role === 'frontend'
        ? renderFrontendSeed(context, secrets)
        : renderComputeSeed(context, secrets, name);
    const setup = { namespace, directory, bundle, vm, seed, mtu: context.mtu };
    machines.set(name, await Machine.start(setup));
  }

  function machine(name: string): Machine {
    const found = machines.get(name);
    if (!found) throw new Error(`${name} was not started`);
    return found;
  }

  async function nodeStates(): Promise<NodeState[]> {
    const { stdout } = await machine('frontend').run(['/usr/lib/mvc/node-states']);
    return JSON.parse(stdout) as NodeState[];
  }

  const frontendReady = () =>
    machine('frontend').waitFor(
      ['/usr/lib/mvc/frontend-ready'],
      (r) => r.exitCode === 0,
      2 * minute,
    );

  /** Waits until the nodes are idle since boots whose configuration was fetched after `since`. */
  const nodesIdle = (wanted: string[], since: number) =>
    machine('frontend').waitFor(
      ['/usr/lib/mvc/node-states'],
      ({ stdout }) => {
        const states = JSON.parse(stdout) as NodeState[];
        const done = states.filter((s) => s.phase === 'idle' && (s.fetchedAt ?? 0) > since);
        return wanted.every((name) => done.some((state) => state.name === name));
      },
      90_000,
    );

  test('a frontend boots from the disk and answers as scheduler, DHCP, DNS and HTTP', async () => {
    const start = Date.now();
    await startMachine('frontend');
    await frontendReady();
    note('frontend ready after', start);
    const { stdout } = await machine('frontend').run(['/usr/lib/mvc/clock']);
    expect(Math.abs(Number(stdout) - Date.now() / 1000)).toBeLessThan(60);
    expect((await nodeStates()).map((state) => state.phase)).toEqual(['waiting', 'waiting']);
  });

  test('two computes install themselves from it over the network and become idle', async () => {
    const start = Date.now();
    for (const name of names) await startMachine(name);
    await nodesIdle(names, 0);
    note('two computes idle after', start);
  });

  test('no secret is on a kernel command line or among the arguments of a program', async () => {
    for (const name of ['frontend', ...names]) {
      const script = 'cat /proc/cmdline /proc/[0-9]*/cmdline | tr "\\0" " "';
      const { stdout } = await machine(name).run(['sh', '-c', script]);
      expect(stdout).toContain('systemd');
      for (const secret of [secrets.mungeKey, ...Object.values(secrets.nodeTokens)]) {
        expect(stdout).not.toContain(secret);
      }
    }
  });

  test('the verify program proves a job, an MPI sum, the MTU and the round trips', async () => {
    const start = Date.now();
    const nodes = names.map((name) => ({ name, site: name.split('-')[1] }));
    const stdin = JSON.stringify({ nodes, mtu: context.mtu, interface: 'eth0' });
    const result = await machine('frontend').run(['/usr/lib/mvc/verify'], {
      stdin,
      timeoutMs: 2 * minute,
    });
    note('verified after', start);
    expect(result.stderr).toBe('');
    const report = verifyReportSchema.parse(JSON.parse(result.stdout));
    expect(report.hostnames).toEqual(names);
    expect(report.mpi).toEqual({
      ranks: 2,
      nodes: names,
      sum: 3,
      expectedSum: 3,
      interface: 'eth0',
    });
    expect(report.mtu).toBe(1400);
    const pairs = report.rtt.map(({ from, to }) => `${from}-${to}`);
    expect(pairs).toEqual(['alpine-beach', 'alpine-cloud', 'beach-cloud']);
    expect(report.transcript).toContain('srun');
  });

  test('the verify program says which node is missing', async () => {
    const nodes = [{ name: 'compute-nowhere-0', site: 'nowhere' }];
    const stdin = JSON.stringify({ nodes, mtu: context.mtu, interface: 'eth0' });
    const result = await machine('frontend').run(['/usr/lib/mvc/verify'], { stdin });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toMatch(/srun hostname on 1 nodes failed.*\n$/);
  });

  describe('a configuration is given', () => {
    /** Asks as the first stage does. @returns the first line of the answer. */
    const ask = async (name: string, token: string) => {
      const script =
        'printf "POST /cgi-bin/node.tar HTTP/1.0\\r\\nContent-Length: %s\\r\\n\\r\\n%s" ${#TOKEN} "$TOKEN" | busybox nc frontend 80';
      const result = await machine(name).run(['env', `TOKEN=${token}`, 'sh', '-c', script]);
      return result.stdout.split('\r\n')[0];
    };
    const log = async () =>
      (await machine('frontend').run(['tail', '-n', '1', '/var/log/mvc/boot.log'])).stdout;

    test('once per boot', async () => {
      expect(await ask('compute-beach-0', secrets.nodeTokens['compute-beach-0'] ?? '')).toContain(
        '403',
      );
      expect(await log()).toContain('compute-beach-0 has its configuration already');
    });

    test('to no unknown token', async () => {
      expect(await ask('compute-beach-0', 'x'.repeat(43))).toContain('403');
      expect(await log()).toContain('unknown token');
    });

    test("to no other node with a node's token", async () => {
      expect(await ask('compute-beach-0', secrets.nodeTokens['compute-cloud-0'] ?? '')).toContain(
        '403',
      );
      expect(await log()).toContain('compute-cloud-0 from another address');
    });

    test('and not by asking for its file', async () => {
      for (const path of [
        '../var/lib/mvc/nodes/common.tar',
        'cgi-bin/../../../etc/munge/munge.key',
      ]) {
        const url = `http://frontend/${path}`;
        const result = await machine('compute-beach-0').run([
          'busybox',
          'wget',
          '-q',
          '-O',
          '-',
          url,
        ]);
        expect(result.exitCode).not.toBe(0);
        expect(result.stdout).toBe('');
      }
    });
  });

  test('the ordinary user gets from node to node by ssh, root does not', async () => {
    const login = (user: string) =>
      machine('frontend').run([
        'runuser',
        '-u',
        'hpc',
        '--',
        'ssh',
        '-o',
        'BatchMode=yes',
        `${user}@compute-cloud-0`,
        'id',
        '-un',
      ]);
    expect(await login('hpc')).toEqual({ exitCode: 0, stdout: 'hpc\n', stderr: '' });
    expect((await login('root')).stderr).toContain('Permission denied');
  });

  test('a compute that boots again is not idle until it has its configuration again', async () => {
    const name = 'compute-beach-0';
    const before = (await nodeStates()).find((state) => state.name === name);
    await machine(name).stop();
    const start = Date.now();
    await namespace.run('ip', 'link', 'del', 't-02');
    await startMachine(name);
    const boots = await machine('frontend').waitFor(
      ['/usr/lib/mvc/node-states'],
      ({ stdout }) =>
        (JSON.parse(stdout) as NodeState[]).some((s) => s.name === name && s.phase === 'boot'),
      minute,
    );
    expect(boots).toBeGreaterThan(0);
    await nodesIdle([name], before?.fetchedAt ?? Infinity);
    note('one compute idle again after', start);
  });

  test('a frontend that boots again has its data, and its computes serve it again', async () => {
    const frontend = machine('frontend');
    const jobs = ['runuser', '-u', 'hpc', '--', 'sh', '-c', 'echo kept > /home/hpc/kept'];
    expect((await frontend.run(jobs)).exitCode).toBe(0);
    const start = Date.now();
    await frontend.run(['systemctl', 'reboot', '--force']).catch(() => undefined);
    await frontend.waitFor(
      ['cut', '-d.', '-f1', '/proc/uptime'],
      (r) => Number(r.stdout) < 30,
      minute,
    );
    await frontendReady();
    note('frontend ready again after', start);
    const kept = await frontend.run(['cat', '/home/hpc/kept']);
    expect(kept.stdout).toBe('kept\n');
    await nodesIdle(names, 0);
    const job = await frontend.run(['runuser', '-u', 'hpc', '--', 'srun', '-N', '2', 'hostname'], {
      timeoutMs: minute,
    });
    expect(job.stdout.split('\n').filter(Boolean).toSorted()).toEqual(names);
  });
});

function makeDataDisk(path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 2 * 1024 ** 3);
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-E', 'lazy_itable_init=1', path]);
}

function note(what: string, start: number): void {
  console.log(`${what} ${((Date.now() - start) / 1000).toFixed(1)} s`);
}
