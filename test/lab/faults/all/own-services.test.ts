import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepName } from '../../../../src/domain/cluster.ts';
import { stopwatch } from '../figures.ts';
import { World } from '../world.ts';

const minutes = 60_000;
const everything = ['supervisor', 'control-worker', 'site-worker', 'temporal', 'postgres'];

let world: World;
beforeAll(async () => (world = await World.open()), 10 * minutes);
afterAll(async () => world.close(), 3 * minutes);

describe('a build of which a service of the controller is killed', () => {
  const faults: { service: string; step: StepName; site: string }[] = [
    { service: 'control-worker', step: 'reserve', site: 'beach' },
    { service: 'site-worker', step: 'image', site: 'beach' },
    { service: 'temporal', step: 'frontend', site: 'alpine' },
    { service: 'postgres', step: 'edges', site: 'beach' },
  ];

  it.each(faults)(
    'ends ready by itself: kill -9 of $service during $step',
    async ({ service, step, site }) => {
      const name = `no-${service}`;
      const build = await world.begin(name, 'beach=1');
      await world.untilBegun(name, step, site);
      await world.kill(service);
      const since = stopwatch();
      await world.ready(build);
      world.figures.note(`kill -9 of ${service}`, step, 'ready by itself', since());
      await world.destroyed(name);
    },
    6 * minutes,
  );

  it(
    'goes on within 45 s after kill -9 of everything and `mvc up`, and ends ready',
    async () => {
      const build = await world.begin('nothing', 'beach=1');
      await world.untilBegun('nothing', 'frontend', 'alpine');
      await world.kill(...everything);
      const upAt = Date.now();
      const since = stopwatch();
      await world.mvc.ok('up');
      const after = await world.goesOn('nothing', upAt);
      expect(after).toBeLessThan(45);
      world.figures.note('kill -9 of everything, `mvc up`', 'frontend', 'goes on', after);
      await world.ready(build);
      world.figures.note('kill -9 of everything, `mvc up`', 'frontend', 'ready', since());
      await world.destroyed('nothing');
    },
    6 * minutes,
  );
});
