import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartedOperation } from '../../../src/client/cluster-runs.ts';
import type { ClusterSpecInput } from '../../../src/domain/cluster.ts';
import type { LibvirtSite } from '../../../src/domain/site.ts';
import { mvcHome } from '../../../src/installation/home.ts';
import { postgresSettings } from '../../../src/installation/settings.ts';
import { closeDatabase, openDatabase } from '../../../src/store/database.ts';
import { World } from '../faults/world.ts';

const minutes = 60_000;

let world: World;
beforeAll(async () => (world = await World.open()), 10 * minutes);
afterAll(async () => world.close(), 3 * minutes);

async function create(spec: ClusterSpecInput): Promise<StartedOperation> {
  const file = join(world.mvc.home, `${spec.name}.json`);
  await writeFile(file, JSON.stringify(spec));
  return world.mvc.json<StartedOperation>('create', '-f', file, '--no-watch');
}

const twoSites = {
  origin: 'alpine',
  sites: [
    { name: 'alpine', computes: 0 },
    { name: 'beach', computes: 1 },
  ],
};

/** As if the database had been put back to a time before the cluster. */
async function forget(cluster: string): Promise<void> {
  const db = openDatabase(await postgresSettings(mvcHome({ MVC_HOME: world.mvc.home })));
  try {
    await db.deleteFrom('cluster').where('name', '=', cluster).execute();
  } finally {
    await closeDatabase(db);
  }
}

/** As an administrator does it, in the host's own policy. */
async function allow(machine: string, outside: string[]): Promise<void> {
  const file = '/etc/mvc/policy.json';
  const policy = JSON.parse((await world.inside(machine, 'cat', file)).stdout) as object;
  const text = JSON.stringify({ ...policy, outside });
  await world.inside(machine, 'sh', '-c', `printf '%s\n' "$1" > ${file}`, 'sh', text);
}

/** What a program on the compute prints, started by the scheduler. */
async function onCompute(cluster: string, command: string): Promise<string> {
  const argv = ['srun', '-w', 'compute-beach-0', 'sh', '-c', command];
  return (await world.mvc.run('run', cluster, '--', ...argv)).stdout;
}

describe('a real cluster', () => {
  it(
    'is joined on layer 2 by overlay vxlan, with the MTU that this leaves',
    async () => {
      const report = await world.ready(
        await create({ ...twoSites, name: 'hub', overlay: { kind: 'vxlan' } }),
      );
      expect(report).toMatchObject({ mtu: 1350, mpi: { nodes: ['compute-beach-0'] } });
      const { vms } = await world.mvc.json<{ vms: { name: string; mac: string }[] }>(
        'status',
        'hub',
      );
      const frontend = vms.find(({ name }) => name === 'frontend');
      // A routed overlay would show the MAC of the container.
      expect(await onCompute('hub', 'cat /proc/net/arp')).toContain(frontend?.mac);
    },
    8 * minutes,
  );

  it(
    'is swept when nothing of it is recorded any more, whatever its overlay was',
    async () => {
      await forget('hub');
      expect(await world.mvc.ok('sweep')).toContain('hub-compute-beach-0');
      await world.mvc.ok('sweep', '--remove', '--yes', '--cluster', 'hub');
      await world.expectEmpty('hub');
      for (const machine of ['alpine-h1', 'beach-h1']) {
        expect((await world.inside(machine, 'ls', '/var/lib/mvc/overlay')).stdout).toBe('');
      }
    },
    3 * minutes,
  );

  it(
    'reaches what its spec opens outside, once the administrators allow it and let their hosts forward',
    async () => {
      const file = join(world.home, 'sites', 'cloud.json');
      const cloud = JSON.parse(await readFile(file, 'utf8')) as LibvirtSite;
      const { publicAddress } = cloud.frontend;
      const outside = [`${publicAddress}/32`];
      const build = await create({
        ...twoSites,
        name: 'mirror',
        overlay: { kind: 'routed', outside },
      });
      const parked = await world.untilParked('mirror', 4 * minutes);
      expect(parked).toMatchObject({ step: 'edges', host: 'h1' });
      await world.expectStatus('mirror', '/etc/mvc/policy.json', `${publicAddress}/32`);
      for (const machine of ['alpine-h1', 'beach-h1']) {
        await allow(machine, outside);
        await world.inside(machine, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
      }
      await world.mvc.ok('resume', 'mirror');
      await world.ready(build);

      const greeting = (address: string) =>
        `timeout 5 bash -c 'exec 3<>/dev/tcp/${address}/22 && head -c 7 <&3'`;
      expect(await onCompute('mirror', greeting(publicAddress))).toBe('SSH-2.0');
      // The gateway in the site's own network has the same program at the same port.
      expect(await onCompute('mirror', greeting('192.168.10.1'))).toBe('');
      await world.destroyed('mirror');
    },
    10 * minutes,
  );
});
