import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { defaultRolls, verifyReportSchema, type NodeState } from '../../../src/domain/cluster.ts';
import { ensureNodeImage } from '../../../src/image/node-image.ts';
import { nodeToken } from '../../../src/rolls/node-token.ts';
import { renderNodesUpdate } from '../../../src/rolls/nodes-update.ts';
import { renderComputeSeed, renderFrontendSeed } from '../../../src/rolls/seed.ts';
import { demoCluster, laterCompute } from '../boot/demo-cluster.ts';
import { Machine } from '../boot/machine.ts';
import { Namespace } from '../boot/namespace.ts';
import { nodeActivities } from '../boot/told-nodes.ts';

const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log('skipped: booting VMs on a network of their own needs root');

const minute = 60_000;
const names = ['compute-beach-0', 'compute-cloud-0'];

describe.skipIf(!isRoot)('VMs made from the node image', { timeout: 5 * minute }, () => {
  const { context, secrets } = demoCluster();
  const directory = mkdtempSync(join(tmpdir(), 'mvc-boot-'));
  const machines = new Map<string, Machine>();
  const token = (name: string) => nodeToken(secrets, name);
  let namespace: Namespace;
  let bundle = '';

  beforeAll(async () => {
    const images = process.env['MVC_TEST_IMAGES'] ?? join(tmpdir(), 'mvc-test-images');
    mkdirSync(images, { recursive: true });
    const start = Date.now();
    const image = await ensureNodeImage({ directory: images, rolls: defaultRolls });
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

  /** With one compute more. */
  const grown = { ...context, epoch: 2, vms: [...context.vms, laterCompute] };
  const nodes = nodeActivities(() => machine('frontend'));

  async function startMachine(name: string, from = context): Promise<void> {
    const vm = from.vms.find((each) => each.name === name);
    if (!vm) throw new Error(`there is no ${name}`);
    const seed =
      vm.role === 'frontend'
        ? renderFrontendSeed(from, secrets)
        : renderComputeSeed(from, secrets, name);
    const setup = { namespace, directory, bundle, vm, seed, mtu: context.mtu };
    machines.set(name, await Machine.start(setup));
  }

  function machine(name: string): Machine {
    const found = machines.get(name);
    if (!found) throw new Error(`${name} was not started`);
    return found;
  }

  const frontendReady = () =>
    machine('frontend').waitFor(
      ['/usr/lib/mvc/frontend-ready'],
      (r) => r.exitCode === 0,
      2 * minute,
    );

  async function rebootFrontend(): Promise<void> {
    const start = Date.now();
    const frontend = machine('frontend');
    const bootId = ['cat', '/proc/sys/kernel/random/boot_id'];
    const before = (await frontend.run(bootId)).stdout;
    await frontend.run(['systemctl', 'reboot', '--force']).catch(() => undefined);
    await frontend.waitFor(bootId, ({ stdout }) => stdout !== '' && stdout !== before, minute);
    await frontendReady();
    note('frontend ready again after', start);
  }

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
    expect((await nodes.states()).map((state) => state.phase)).toEqual(['waiting', 'waiting']);
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
      for (const secret of [secrets.mungeKey, ...names.map(token)]) {
        expect(stdout).not.toContain(secret);
      }
    }
  });

  /** Lets the verify program prove these nodes. */
  const verify = (wanted: string[]) => {
    const asked = wanted.map((name) => ({ name, site: name.split('-')[1] }));
    const stdin = JSON.stringify({ nodes: asked, mtu: context.mtu, interface: 'eth0' });
    return machine('frontend').run(['/usr/lib/mvc/verify'], { stdin, timeoutMs: 2 * minute });
  };

  test('the verify program proves a job, an MPI sum, the MTU and the round trips', async () => {
    const start = Date.now();
    const result = await verify(names);
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
    const result = await verify(['compute-nowhere-0']);
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
      expect(await ask('compute-beach-0', token('compute-beach-0'))).toContain('403');
      expect(await log()).toContain('compute-beach-0 has its configuration already');
    });

    test('to no unknown token', async () => {
      expect(await ask('compute-beach-0', 'x'.repeat(43))).toContain('403');
      expect(await log()).toContain('unknown token');
    });

    test("to no other node with a node's token", async () => {
      expect(await ask('compute-beach-0', token('compute-cloud-0'))).toContain('403');
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

  describe('while a job runs on another node', () => {
    const busy = 'compute-beach-0';
    const added = laterCompute.name;
    const asUser = (...argv: string[]) =>
      machine('frontend').run(['runuser', '-u', 'hpc', '--', ...argv], { timeoutMs: minute });
    /** Submits a job that sleeps on the node. @returns its number. */
    const sleepOn = async (node: string, seconds: number) => {
      const wrap = `--wrap=sleep ${seconds}`;
      const argv = ['sbatch', '--parsable', '-D', '/tmp', '-o', '/dev/null', '-w', node, wrap];
      return (await asUser(...argv)).stdout.trim();
    };
    const stateOf = async (job: string) =>
      (await asUser('squeue', '-h', '-t', 'all', '-j', job, '-o', '%T')).stdout.trim();
    const runs = (number: string) =>
      vi.waitFor(async () => expect(await stateOf(number)).toBe('RUNNING'), {
        timeout: 20_000,
        interval: 1000,
      });
    /** What would change if a daemon were started anew. */
    const processOf = async (name: string, program: string) =>
      (await machine(name).run(['pidof', program])).stdout;
    let job = '';
    let slurmd = '';

    beforeAll(async () => {
      job = await sleepOn(busy, 3600);
      await runs(job);
      slurmd = await processOf(busy, 'slurmd');
    });

    afterEach(async () => {
      expect(await stateOf(job)).toBe('RUNNING');
      expect(await processOf(busy, 'slurmd')).toBe(slurmd);
    });

    afterAll(async () => {
      await asUser('scancel', job);
    });

    test('a compute that the frontend did not know is told to it, and becomes idle', async () => {
      const start = Date.now();
      await nodes.configure(renderNodesUpdate(grown, secrets));
      note('frontend told of one more compute after', start);
      await startMachine(added, grown);
      await nodesIdle([added], 0);
      note('it is idle after', start);
    });

    test('the verify program proves it with the free nodes, before jobs that wait', async () => {
      const waiting = await asUser('sbatch', '--parsable', '-N', '3', '--wrap=true', '-D', '/tmp');
      const result = await verify([...names, added]);
      expect(result.stderr).toBe('');
      const report = verifyReportSchema.parse(JSON.parse(result.stdout));
      expect(report.busy).toEqual([busy]);
      expect(report.hostnames).toEqual(['compute-cloud-0', added]);
      expect(report.mpi).toMatchObject({ ranks: 2, sum: 3 });
      expect(report.rtt.map(({ from, to }) => `${from}-${to}`)).toEqual(['alpine-cloud']);
      const full = verifyReportSchema.parse(JSON.parse((await verify([busy])).stdout));
      expect(full).toMatchObject({ busy: [busy], hostnames: [], mpi: { ranks: 0, sum: 0 } });
      expect(await stateOf(waiting.stdout.trim())).toBe('PENDING');
      await asUser('scancel', waiting.stdout.trim());
    });

    test('the same told again changes nothing, an earlier list is refused', async () => {
      const before = await processOf('frontend', 'slurmctld');
      await nodes.configure(renderNodesUpdate(grown, secrets));
      await expect(nodes.configure(renderNodesUpdate(context, secrets))).rejects.toThrow(
        'a later operation has told this frontend its nodes already',
      );
      // Of a later operation, but with the same nodes.
      await nodes.configure(renderNodesUpdate({ ...grown, epoch: 3 }, secrets));
      expect(await processOf('frontend', 'slurmctld')).toBe(before);
      expect((await nodes.states()).map(({ phase }) => phase)).toEqual(['idle', 'idle', 'idle']);
    });

    test('a frontend that boots again with its old seed still knows it', async () => {
      await rebootFrontend();
      await nodesIdle([...names, added], 0);
    });

    test('it is drained once its job has ended, and takes work again when resumed', async () => {
      const short = await sleepOn(added, 12);
      await runs(short);
      await expect(nodes.drain([added], 0)).rejects.toThrow(`still 1 job runs on ${added}`);
      await nodes.drain([added, 'compute-nowhere-0'], minute);
      expect(await stateOf(short)).toBe('COMPLETED');
      const drained = (await nodes.states()).find(({ name }) => name === added);
      expect(drained).toMatchObject({ state: 'drained', phase: 'drained' });
      await nodes.resume([added]);
      await nodesIdle([added], 0);
    });

    test('what an administrator drained stays so', async () => {
      const frontend = machine('frontend');
      const update = ['scontrol', 'update', 'NodeName=compute-cloud-0'];
      await frontend.run([...update, 'State=DRAIN', 'Reason=fan']);
      await nodes.drain(['compute-cloud-0'], minute);
      await nodes.resume(['compute-cloud-0']);
      expect((await nodes.states()).find(({ state }) => state === 'drained')?.name).toBe(
        'compute-cloud-0',
      );
      await frontend.run([...update, 'State=RESUME']);
    });

    test('it powers off when asked, is forgotten, and its name and address are free again', async () => {
      await nodes.drain([added], minute);
      await machine(added)
        .run(['/usr/sbin/poweroff'])
        .catch(() => undefined);
      await machine(added).ended();
      await nodes.configure(renderNodesUpdate({ ...context, epoch: 4 }, secrets));
      expect((await nodes.states()).map(({ name }) => name)).toEqual(names);
      const frontend = machine('frontend');
      expect((await frontend.run(['sinfo', '-h', '-N', '-o', '%N'])).stdout).not.toContain(added);
      expect((await frontend.run(['ls', '-R', '/var/lib/mvc'])).stdout).not.toContain(added);
      expect((await frontend.run(['cat', '/run/dnsmasq.leases'])).stdout).not.toContain(added);
      const lookUp = ['busybox', 'nslookup', '-type=a', `${added}.demo.mvc`, '10.77.1.1'];
      expect((await frontend.run(lookUp)).exitCode).not.toBe(0);
      // Another VM at the same address.
      const other = { ...laterCompute, name: 'compute-beach-1', mac: '02:00:5e:10:00:05' };
      const regrown = { ...context, epoch: 5, vms: [...context.vms, other] };
      await nodes.configure(renderNodesUpdate(regrown, secrets));
      await startMachine(other.name, regrown);
      await nodesIdle([other.name], 0);
      await machine(other.name).stop();
      await nodes.configure(renderNodesUpdate({ ...context, epoch: 6 }, secrets));
    });
  });

  test('a compute that boots again is not idle until it has its configuration again', async () => {
    const name = 'compute-beach-0';
    const before = (await nodes.states()).find((state) => state.name === name);
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

  /** Starts a script of the ordinary user's on a node. The guest agent waits for whoever has its pipes. */
  const startThere = (name: string, script: string) => {
    const apart = 'setsid -f runuser -u hpc -- sh -c "$SCRIPT" > /dev/null 2>&1 < /dev/null';
    return machine(name).run(['env', `SCRIPT=${script}`, 'sh', '-c', apart]);
  };

  test('a frontend that boots again has its data, and its computes serve it again', async () => {
    const frontend = machine('frontend');
    const numbers = 'for n in $(seq 40); do echo $n; sleep 1; done > ~hpc/numbers';
    await startThere('compute-cloud-0', numbers);
    const jobs = ['runuser', '-u', 'hpc', '--', 'sh', '-c', 'echo kept > /home/hpc/kept'];
    expect((await frontend.run(jobs)).exitCode).toBe(0);
    await rebootFrontend();
    const kept = await frontend.run(['cat', '/home/hpc/kept']);
    expect(kept.stdout).toBe('kept\n');
    await nodesIdle(names, 0);
    // What a node wrote to /home meanwhile is all there.
    const all = `${Array.from({ length: 40 }, (_, index) => index + 1).join('\n')}\n`;
    await frontend.waitFor(['cat', '/home/hpc/numbers'], ({ stdout }) => stdout === all, minute);
    const job = await frontend.run(['runuser', '-u', 'hpc', '--', 'srun', '-N', '2', 'hostname'], {
      timeoutMs: minute,
    });
    expect(job.stdout.split('\n').filter(Boolean).toSorted()).toEqual(names);
  });

  test('a frontend with another disk has an empty /home, which its computes take up', async () => {
    await machine('frontend').stop();
    await namespace.run('ip', 'link', 'del', 't-01');
    await namespace.run('ip', 'link', 'del', 's-1');
    makeDataDisk(join(directory, 'frontend.data'));
    await startMachine('frontend');
    await frontendReady();
    const fresh = ['runuser', '-u', 'hpc', '--', 'sh', '-c', 'touch ~hpc/new && ls ~hpc'];
    for (const name of names) {
      await machine(name).waitFor(fresh, ({ stdout }) => stdout === 'new\n', 90_000);
    }
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
