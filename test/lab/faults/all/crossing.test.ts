import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labWan } from '../../../../src/lab/faults.ts';
import type { OwnedThing } from '../../../../src/domain/site.ts';
import { stopwatch } from '../figures.ts';
import { until, World } from '../world.ts';

const minutes = 60_000;

let world: World;
beforeAll(async () => (world = await World.open()), 10 * minutes);
afterAll(async () => world.close(), 3 * minutes);

describe('operations that cross each other', () => {
  it(
    'two builds and a destroy: one becomes ready, of the other nothing is left, and it can be built again',
    async () => {
      const [kept] = await Promise.all([
        world.begin('kept', 'beach=1'),
        world.begin('gone', 'beach=1', 'cloud=1'),
      ]);
      await world.untilRunning('alpine-h1', 'gone-frontend');
      const since = stopwatch();
      await world.destroyed('gone');
      world.figures.note('destroy of one of two builds', 'frontend', 'empty', since());
      const again = await world.begin('gone', 'cloud=1');
      await Promise.all([world.ready(kept), world.ready(again)]);
      world.figures.note('… and its build anew', 'frontend', 'both ready', since());
      await Promise.all([world.destroyed('kept'), world.destroyed('gone')]);
      expect(await world.mvc.json('inventory')).toEqual([]);
    },
    10 * minutes,
  );

  it(
    'a destroy with the WAN of a site down removes the rest, says what remains, and ends by itself',
    async () => {
      await world.ready(await world.begin('half', 'beach=1'));
      await labWan({ home: world.home, site: 'beach', state: 'down' });
      const removal = await world.mvc.json<{ cluster: string; runId: string }>(
        'destroy',
        'half',
        '--yes',
        '--no-watch',
      );
      await until('alpine is empty', async () => (await world.domains('alpine-h1')).length === 0);
      const parked = await world.untilParked('half', 10 * minutes);
      expect(parked).toMatchObject({ site: 'beach' });
      await world.expectStatus('half', 'destroying', 'at site beach');
      expect(await world.domains('beach-h1')).toEqual(['half-compute-beach-0']);
      expect(await thingsAt('alpine', 'half')).toEqual([]);
      await labWan({ home: world.home, site: 'beach', state: 'up' });
      const back = stopwatch();
      expect(await world.ended(removal)).toMatchObject({ phase: 'destroyed', left: [] });
      world.figures.note('destroy, WAN of a site down', 'ready', 'ends by itself', back());
      await world.expectEmpty('half');
    },
    18 * minutes,
  );
});

async function thingsAt(site: string, cluster: string): Promise<OwnedThing[]> {
  return world.mvc.json('inventory', '--cluster', cluster, '--site', site);
}
