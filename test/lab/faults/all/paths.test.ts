import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labCut, labHostKey, labRestart, labWan } from '../../../../src/lab/faults.ts';
import { stopwatch } from '../figures.ts';
import { World } from '../world.ts';

const minutes = 60_000;

let world: World;
beforeAll(async () => (world = await World.open()), 10 * minutes);
afterAll(async () => world.close(), 3 * minutes);

describe('a build whose way to a site is disturbed', () => {
  it(
    'ends ready by itself: sshd restarted at both hosts of a site, with all connections',
    async () => {
      const build = await world.begin('sshd', 'beach=1');
      await world.untilBegun('sshd', 'image', 'beach');
      const since = stopwatch();
      for (const machine of ['beach', 'beach-h1']) {
        await labRestart({ home: world.home, machine, service: 'sshd', kill: true });
      }
      await world.ready(build);
      world.figures.note('sshd restarted', 'image', 'ready by itself', since());
      await world.destroyed('sshd');
    },
    6 * minutes,
  );

  it(
    'ends ready by itself: ssh cut in the middle of commands while VMs are reserved, joined and started',
    async () => {
      const build = await world.begin('cut', 'beach=1');
      const since = stopwatch();
      for (const step of ['reserve', 'edges', 'computes'] as const) {
        await world.untilBegun('cut', step, 'beach');
        const cut = { home: world.home, machine: 'beach-h1', duringCommandMs: 60_000 };
        expect(await labCut(cut)).toBeGreaterThan(0);
      }
      await world.ready(build);
      world.figures.note('ssh cut in a command, 3 times', 'reserve …', 'ready by itself', since());
      await world.destroyed('cut');
    },
    6 * minutes,
  );

  it(
    'ends ready by itself: the WAN of a site away for 60 s',
    async () => {
      const build = await world.begin('away', 'beach=1');
      await world.untilBegun('away', 'image', 'beach');
      await labWan({ home: world.home, site: 'beach', state: 'down' });
      await sleep(60_000);
      await labWan({ home: world.home, site: 'beach', state: 'up' });
      const back = stopwatch();
      await world.ready(build);
      world.figures.note('WAN away for 60 s', 'image', 'ready by itself', back());
      await world.destroyed('away');
    },
    8 * minutes,
  );

  it(
    'parks when the WAN of a site is away longer than all retries, and ends ready after resume',
    async () => {
      const build = await world.begin('lost', 'beach=1');
      await world.untilBegun('lost', 'image', 'beach');
      await labWan({ home: world.home, site: 'beach', state: 'down' });
      const lost = stopwatch();
      const parked = await world.untilParked('lost', 10 * minutes);
      world.figures.note('WAN away for long', 'image', 'parked', lost());
      expect(parked).toMatchObject({ site: 'beach' });
      await world.expectStatus('lost', `step ${parked.step} at site beach`, 'mvc resume lost');
      await labWan({ home: world.home, site: 'beach', state: 'up' });
      await world.mvc.ok('resume', 'lost');
      const back = stopwatch();
      await world.ready(build);
      world.figures.note('WAN away for long, then back', 'image', 'ready after resume', back());
      await world.destroyed('lost');
    },
    15 * minutes,
  );

  it(
    'parks at once when a host shows another key, sends it nothing, and ends ready after resume',
    async () => {
      const build = await world.begin('key', 'beach=1');
      await world.untilBegun('key', 'image', 'beach');
      await labHostKey({ home: world.home, machine: 'beach-h1', action: 'change' });
      const changed = stopwatch();
      const parked = await world.untilParked('key');
      expect(parked).toMatchObject({ kind: 'HostKeyChanged', site: 'beach', host: 'h1' });
      expect(parked.cause.match(/SHA256:/g)).toHaveLength(2);
      expect(parked.nextTryAt).toBeUndefined();
      world.figures.note('host key changed', 'image', 'parked', changed());
      await world.expectStatus('key', 'at site beach, host h1', 'mvc resume key');
      await labHostKey({ home: world.home, machine: 'beach-h1', action: 'restore' });
      await world.mvc.ok('resume', 'key');
      const back = stopwatch();
      await world.ready(build);
      world.figures.note('host key changed, then put back', 'image', 'ready after resume', back());
      await world.destroyed('key');
    },
    6 * minutes,
  );
});
