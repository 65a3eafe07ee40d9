import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartedOperation } from '../../../src/client/cluster-runs.ts';
import { labCut, labDisk, labWan } from '../../../src/lab/faults.ts';
import { labReboot } from '../../../src/lab/lab.ts';
import { stopwatch } from './figures.ts';
import { until, World } from './world.ts';

const minutes = 60_000;
const everything = ['supervisor', 'control-worker', 'site-worker', 'temporal', 'postgres'];

let world: World;
beforeAll(async () => (world = await World.open()), 10 * minutes);
afterAll(async () => world.close(), 3 * minutes);

/** In order, on one cluster: the faults of `all/` are each on a cluster of their own. */
describe('one cluster, from its build to its end', () => {
  let build: StartedOperation;

  it(
    'loses its connection in the middle of a command, and goes on',
    async () => {
      await labDisk({ home: world.home, machine: 'cloud-h1', action: 'fill', roomMiB: 16 });
      build = await world.begin('each', 'beach=1', 'cloud=1');
      await world.untilBegun('each', 'reserve', 'beach');
      const cut = { home: world.home, machine: 'beach-h1', duringCommandMs: 60_000 };
      expect(await labCut(cut)).toBeGreaterThan(0);
      await world.untilBegun('each', 'image', 'beach');
    },
    3 * minutes,
  );

  it(
    'finds a disk full, parks with host and figures, and goes on when it was freed and resumed',
    async () => {
      const parked = await world.untilParked('each', 6 * minutes);
      expect(parked).toMatchObject({ step: 'image', site: 'cloud', host: 'h1' });
      await world.expectStatus('each', 'step image at site cloud, host h1', 'mvc resume each');
      await labDisk({ home: world.home, machine: 'cloud-h1', action: 'free' });
      await world.mvc.ok('resume', 'each');
      await world.untilRunning('cloud-h1', 'each-compute-cloud-0');
    },
    8 * minutes,
  );

  it(
    'goes on within 45 s after kill -9 of everything and `mvc up`, and becomes ready',
    async () => {
      await world.kill(...everything);
      const upAt = Date.now();
      await world.mvc.ok('up');
      expect(await world.goesOn('each', upAt)).toBeLessThan(45);
      const report = await world.ready(build);
      expect(report?.mpi.nodes).toEqual(['compute-beach-0', 'compute-cloud-0']);
    },
    5 * minutes,
  );

  it(
    'is mended by repair after a VM container was rebooted',
    async () => {
      await labReboot({ home: world.home, machine: 'beach-h1' });
      const since = stopwatch();
      await world.mvc.ok('repair', 'each');
      world.figures.note('VM container rebooted', 'ready', 'ready after repair', since());
      await world.job('each', 2);
    },
    6 * minutes,
  );

  it(
    'is destroyed while a site is away, all of it, and nothing of it is left when the site is back',
    async () => {
      await labWan({ home: world.home, site: 'cloud', state: 'down' });
      const removal = await world.mvc.json<StartedOperation>(
        'destroy',
        'each',
        '--yes',
        '--no-watch',
      );
      await until('alpine is empty', async () => (await world.domains('alpine-h1')).length === 0);
      expect(await world.domains('cloud-h1')).toEqual(['each-compute-cloud-0']);
      await labWan({ home: world.home, site: 'cloud', state: 'up' });
      expect(await world.ended(removal)).toMatchObject({ phase: 'destroyed', left: [] });
      await world.expectEmpty('each');
    },
    6 * minutes,
  );
});
