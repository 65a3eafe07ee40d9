import { setTimeout as sleep } from 'node:timers/promises';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartedOperation } from '../../../../src/client/cluster-runs.ts';
import type { ClusterSpecInput } from '../../../../src/domain/cluster.ts';
import { stopwatch } from '../figures.ts';
import { World } from '../world.ts';

const minutes = 60_000;
const idleMs = 10 * minutes;

/** Frontend and compute of each cluster at another pair of sites, so that every site holds two VMs. */
const clusters = [
  { name: 'east', origin: 'alpine', other: 'beach' },
  { name: 'south', origin: 'beach', other: 'cloud' },
  { name: 'west', origin: 'cloud', other: 'alpine' },
];
const machines = ['alpine', 'beach', 'cloud'].flatMap((site) => [site, `${site}-h1`]);

let world: World;
beforeAll(async () => (world = await World.open()), 10 * minutes);
afterAll(async () => world.close(), 3 * minutes);

interface Status {
  phase: string;
  network: string;
  vms: { name: string; mac: string; address: string; site: string; uuid: string }[];
}

describe('three clusters over the same sites', () => {
  it(
    'become ready at once, and share no name, MAC, address, port or tap',
    async () => {
      const since = stopwatch();
      const builds = await Promise.all(clusters.map(create));
      await Promise.all(builds.map((each) => world.ready(each)));
      world.figures.note('three builds at once', 'from the start', 'all ready', since());
      const found = await Promise.all(
        clusters.map(({ name }) => world.mvc.json<Status>('status', name)),
      );
      const vms = found.flatMap((each) => each.vms);
      expect(vms).toHaveLength(6);
      expectUnique(vms.map((vm) => vm.mac));
      expectUnique(vms.map((vm) => vm.address));
      for (const machine of machines.filter((each) => each.endsWith('-h1'))) {
        const domains = await world.domains(machine);
        expect(domains).toHaveLength(2);
        expectUnique(domains);
        const taps = (await words(machine, 'ls', '/sys/class/net')).filter((each) =>
          /^t[0-9a-f]+-\d+$/.test(each),
        );
        expectUnique(taps);
        const ports = await words(machine, 'sh', '-c', "ss -Hlun | awk '{print $4}'");
        expectUnique(ports);
      }
    },
    15 * minutes,
  );

  it(
    'are left alone by ten minutes of looking each minute, and by a second create',
    async () => {
      const before = await traces();
      expect(before.length).toBeGreaterThan(20);
      await sleep(idleMs);
      const [one] = clusters;
      if (one) await world.ended(await create(one));
      expect(await traces()).toEqual(before);
      for (const { name } of clusters) await world.expectStatus(name, 'ready');
      world.figures.note('idle for ten minutes', 'ready', 'no write at any site', idleMs / 1000);
    },
    idleMs + 3 * minutes,
  );

  it(
    'are destroyed without a trace',
    async () => {
      for (const { name } of clusters) await world.mvc.ok('destroy', name, '--yes');
      expect(await world.mvc.json('inventory')).toEqual([]);
      for (const machine of machines.filter((each) => each.endsWith('-h1'))) {
        expect(await world.domains(machine)).toEqual([]);
      }
    },
    5 * minutes,
  );
});

async function create({ name, origin, other }: (typeof clusters)[number]) {
  const spec: ClusterSpecInput = {
    name,
    origin,
    sites: [
      { name: origin, computes: 0 },
      { name: other, computes: 1 },
    ],
    watch: { everyMinutes: 1 },
  };
  const file = join(world.mvc.home, `${name}.json`);
  await writeFile(file, JSON.stringify(spec));
  return world.mvc.json<StartedOperation>('create', '-f', file, '--no-watch');
}

/**
 * Every file of ours, of libvirt and of the system at the sites, with what changes when it is
 * written; but for what the guests and services themselves write: disks, consoles, logs, the state of paths.
 */
async function traces(): Promise<string[]> {
  const places = ['/var/lib/mvc', '/etc', '/usr/local/lib/mvc', '/run/mvc'];
  const find = `find ${places.join(' ')} -printf '%p %T@ %i %s\\n' 2>/dev/null; nft list ruleset; ip -br link | sort`;
  const found: string[] = [];
  for (const machine of machines) {
    const { stdout } = await world.inside(machine, 'sh', '-c', find);
    found.push(
      ...stdout
        .split('\n')
        .filter(
          (line) =>
            !/\/data\.img |\/console|\/log |\/supervise\/|\/overlay\/[^/]+(\/paths-state\.json|\/endpoints\.json)? /.test(
              line,
            ),
        )
        .map((line) => `${machine} ${line}`),
    );
  }
  return found;
}

async function words(machine: string, ...argv: string[]): Promise<string[]> {
  return (await world.inside(machine, ...argv)).stdout.split(/\s+/).filter(Boolean);
}

function expectUnique(values: string[]): void {
  expect(values.length).toBeGreaterThan(0);
  expect(values.filter((value, at) => values.indexOf(value) !== at)).toEqual([]);
}
