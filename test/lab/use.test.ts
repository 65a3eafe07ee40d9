import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClusterPaths } from '../../src/domain/overlay.ts';
import type { Topology } from '../../src/domain/topology.ts';
import type { ClusterUser } from '../../src/domain/users.ts';
import { generateSshKey } from '../../src/transport/ssh-key.ts';
import { CommandLine, type Ended } from '../helpers/command-line.ts';

const minutes = 60_000;
const nodes = ['compute-alpine-0', 'compute-beach-0'];

/** Ring of C: where each rank runs, and a sum that all of them got. */
const program = `
#include <mpi.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    int rank, sum, length;
    char node[MPI_MAX_PROCESSOR_NAME];

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Get_processor_name(node, &length);
    rank++;
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    printf("%s %d\\n", node, sum);
    MPI_Finalize();
    return 0;
}
`;

let mvc: CommandLine;
/** What a person has on a machine of their own: keys, programs, results. */
let own: string;
const at = (name: string) => join(own, name);

beforeAll(async () => {
  mvc = await CommandLine.create();
  own = await mkdtemp(join(tmpdir(), 'mvc-own-'));
  await makeKey('alice');
  await makeKey('bob');
  await mvc.ok('up');
  await mvc.ok('lab', 'up', '--rtt', '20');
  await Promise.all([
    ...['alpine', 'beach'].map((site) =>
      mvc.ok('site', 'add', '-f', join(mvc.home, 'lab', 'sites', `${site}.json`)),
    ),
    mvc.ok('image', 'build'),
  ]);
  await mvc.ok('create', 'lab', '--site', 'alpine=1', '--site', 'beach=1');
}, 15 * minutes);

afterAll(async () => {
  await mvc.run('lab', 'down');
  await mvc.run('down');
  await mvc.remove();
  await rm(own, { recursive: true, force: true });
}, 3 * minutes);

async function makeKey(name: string): Promise<void> {
  const { privateKey, publicKey } = generateSshKey(`${name}@home`);
  await writeFile(at(name), privateKey, { mode: 0o600 });
  await writeFile(at(`${name}.pub`), publicKey);
}

const as = (user: string) => ['--user', user, '--identity', at(user)];
/** Runs a program at the frontend as a user who was added. */
const run = (user: string, ...argv: string[]): Promise<Ended> =>
  mvc.run('run', 'lab', ...as(user), '--', ...argv);
const lines = (text: string) => text.split('\n').filter(Boolean).toSorted();
const nodesOf = ({ stdout }: Ended) => lines(stdout).map((line) => line.split(' ')[0]);

describe('a user who is added to a cluster that runs', { timeout: 5 * minutes }, () => {
  it('is there at once, under one number, at the frontend and on each node', async () => {
    const added = await mvc.json<ClusterUser>('user', 'add', 'lab', 'alice', '-k', at('alice.pub'));
    expect(added).toEqual({ name: 'alice', uid: 2000, home: '/home/alice', keys: 1 });
    expect((await run('alice', 'id', '-u')).stdout).toBe('2000\n');
    const everywhere = await run('alice', 'srun', '-N2', 'sh', '-c', 'id -un; id -u; pwd');
    expect(lines(everywhere.stdout)).toEqual(
      ['alice', '2000', '/home/alice'].flatMap((line) => [line, line]).toSorted(),
    );
  });

  it('is not let in without the key, or as root', async () => {
    const denied = await mvc.run('run', 'lab', '--user', 'alice', '-i', at('bob'), '--', 'true');
    expect(denied.stderr).toContain('Permission denied');
    expect((await mvc.run('run', 'lab', '--user', 'root', '--', 'true')).exitCode).not.toBe(0);
  });

  it('gets exit codes and words as they are', async () => {
    expect((await run('alice', 'sh', '-c', 'exit 7')).exitCode).toBe(7);
    expect((await run('alice', 'printf', '%s|', 'a b', "it's", '$HOME')).stdout).toBe(
      "a b|it's|$HOME|",
    );
  });

  it('compiles an MPI program in /home and runs it over all sites, by srun and by mpirun', async () => {
    await writeFile(at('sum.c'), program);
    await mvc.ok('cp', ...as('alice'), at('sum.c'), 'lab:');
    expect(await run('alice', 'mpicc', 'sum.c', '-o', 'sum')).toMatchObject({ exitCode: 0 });
    const bySrun = await run('alice', 'srun', '-N2', './sum');
    expect(lines(bySrun.stdout)).toEqual(nodes.map((node) => `${node} 3`));
    const byMpirun = await run('alice', 'mpirun', '--host', nodes.join(','), './sum');
    expect(byMpirun.stderr).toBe('');
    expect(lines(byMpirun.stdout)).toEqual(nodes.map((node) => `${node} 3`));
  });

  it('submits a batch job from /home, whose output is there and is fetched', async () => {
    await writeFile(at('job.sh'), '#!/bin/sh\n#SBATCH -N2 -o result.txt\nsrun ./sum\n');
    await chmod(at('job.sh'), 0o755);
    await mvc.ok('cp', ...as('alice'), at('job.sh'), 'lab:');
    expect(await run('alice', 'sbatch', '--wait', 'job.sh')).toMatchObject({ exitCode: 0 });
    await mvc.ok('cp', ...as('alice'), 'lab:result.txt', at('result.txt'));
    expect(lines(await readFile(at('result.txt'), 'utf8'))).toEqual(nodes.map((n) => `${n} 3`));
  });

  it('cannot read what another has', async () => {
    await mvc.ok('user', 'add', 'lab', 'bob', '--key', await readFile(at('bob.pub'), 'utf8'));
    const foreign = await run('bob', 'srun', '-N2', 'ls', '/home/alice');
    expect(foreign.exitCode).not.toBe(0);
    expect(foreign.stderr).toContain('Permission denied');
    const users = await mvc.json<ClusterUser[]>('user', 'list', 'lab');
    expect(users.map(({ name, uid }) => [name, uid])).toEqual([
      ['alice', 2000],
      ['bob', 2001],
    ]);
  });
});

describe('the topology', { timeout: 5 * minutes }, () => {
  let topology: Topology;

  it('is measured: latency and bandwidth between the sites, and latency between the nodes', async () => {
    topology = await mvc.json<Topology>('topology', 'lab');
    expect(topology.sites).toEqual([
      { name: 'alpine', nodes: ['frontend', 'compute-alpine-0'] },
      { name: 'beach', nodes: ['compute-beach-0'] },
    ]);
    expect(topology.latency.sites).toHaveLength(1);
    // The lab's line has 20 ms.
    expect(topology.latency.sites[0]?.ms).toBeGreaterThan(15);
    expect(topology.latency.nodes).toHaveLength(3);
    expect(topology.bandwidth.sites.map(({ from, to }) => `${from} ${to}`)).toEqual([
      'alpine beach',
      'beach alpine',
    ]);
    for (const pair of topology.bandwidth.sites) expect(pair.mbitPerSecond).toBeGreaterThan(0.1);
  });

  it('is there for the programs of the cluster, and for a person', async () => {
    const { stdout } = await run('alice', 'cat', '/etc/mvc/topology.json');
    // The paths of the overlay are asked of its containers each time; the file has what was measured.
    expect(topology).toMatchObject(JSON.parse(stdout) as Topology);
    expect(await mvc.ok('topology', 'lab')).toMatch(/bandwidth between sites.*\n +alpine +beach/);
  });

  it('has the paths between the VM containers, which are direct, and `status` sums them up', async () => {
    const found = await mvc.json<ClusterPaths>('topology', 'lab');
    expect(found.silent).toEqual([]);
    const siteOf = (container: string) => container.split('/')[0];
    expect(found.paths.map(({ from, to }) => `${siteOf(from)} ${siteOf(to)}`).toSorted()).toEqual([
      'alpine beach',
      'beach alpine',
    ]);
    for (const path of found.paths) {
      expect(path).toMatchObject({ class: 'direct', carrier: 'udp' });
      // The lab's line has 20 ms.
      expect(path.rttMs).toBeGreaterThan(15);
    }
    expect(await mvc.ok('topology', 'lab')).toMatch(/beach\/h\d +alpine\/h1 +direct +udp/);
    // On a busy machine the containers may answer too late for it.
    const status = () => mvc.ok('status', 'lab');
    await expect.poll(status, { timeout: 60_000 }).toContain('VM containers: 2 direct\n');
  });

  it('is told to the scheduler, which keeps a job within a site', async () => {
    const shown = await run('alice', 'scontrol', 'show', 'topology');
    expect(lines(shown.stdout)).toEqual([
      expect.stringContaining('SwitchName=alpine Level=0'),
      expect.stringContaining('SwitchName=beach Level=0'),
      expect.stringContaining('SwitchName=every_site Level=1'),
    ]);
    const address = await run('alice', 'srun', 'printenv', 'SLURM_TOPOLOGY_ADDR');
    expect(address.stdout).toMatch(/^every_site\.(alpine|beach)\.compute-\1-0\n$/);
    // Two nodes are not within one site: it waits for that, and does not start over two.
    const asked = ['--switches=1@10:00', '--immediate=8'];
    const within = await run('alice', 'srun', ...asked, '-N2', 'hostname');
    expect(within.exitCode).not.toBe(0);
    expect(nodesOf(await run('alice', 'srun', '-N2', 'hostname'))).toEqual(nodes);
  });
});

describe('a cluster that is scaled', { timeout: 10 * minutes }, () => {
  const grown = [...nodes, 'compute-beach-1'];

  it('has its users on the new node too, and the node in its topology', async () => {
    await mvc.ok('scale', 'lab', 'beach=2');
    expect(nodesOf(await run('alice', 'srun', '-N3', './sum'))).toEqual(grown);
    const { stdout } = await run('alice', 'cat', '/etc/mvc/topology.json');
    const { sites, bandwidth } = JSON.parse(stdout) as Topology;
    expect(sites[1]).toEqual({ name: 'beach', nodes: ['compute-beach-0', 'compute-beach-1'] });
    expect(bandwidth.sites).toHaveLength(2);
    const within = await run('alice', 'srun', '--switches=1@10:00', '-N2', 'hostname');
    expect(nodesOf(within)).toEqual(['compute-beach-0', 'compute-beach-1']);
  });
});

describe('a user who is removed', { timeout: 5 * minutes }, () => {
  it('cannot log in any more, and the jobs have ended', async () => {
    await run('bob', 'sbatch', '--wrap=sleep 1000');
    const remove = ['user', 'remove', 'lab', 'bob', '--with-home'];
    expect((await mvc.run(...remove)).stderr).toContain('say --yes');
    await mvc.ok(...remove, '--yes');
    expect((await run('bob', 'true')).stderr).toContain('Permission denied');
    const jobs = await run('alice', 'squeue', '-h');
    expect(jobs.stdout).toBe('');
    expect((await run('alice', 'ls', '/home')).stdout).not.toContain('bob');
  });

  it('was the only one', async () => {
    expect((await run('alice', 'cat', 'result.txt')).exitCode).toBe(0);
  });
});
