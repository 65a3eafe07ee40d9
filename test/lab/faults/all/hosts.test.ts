import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labDisk, labKill, labRestart } from '../../../../src/lab/faults.ts';
import { labReboot } from '../../../../src/lab/lab.ts';
import { stopwatch } from '../figures.ts';
import { World } from '../world.ts';

const minutes = 60_000;

let world: World;
beforeAll(async () => (world = await World.open()), 10 * minutes);
afterAll(async () => world.close(), 3 * minutes);

function kill(machine: string, program: string, containing = ''): Promise<number> {
  return labKill({ home: world.home, machine, program, containing });
}

describe('a build at whose hosts something fails', () => {
  it(
    'ends ready by itself: libvirtd killed while a VM is reserved, and while one is made',
    async () => {
      const build = await world.begin('libvirt', 'beach=1');
      const since = stopwatch();
      for (const step of ['reserve', 'computes'] as const) {
        await world.untilBegun('libvirt', step, 'beach');
        await labRestart({
          home: world.home,
          machine: 'beach-h1',
          service: 'libvirtd',
          kill: true,
        });
      }
      await world.ready(build);
      world.figures.note('libvirtd killed, twice', 'reserve, computes', 'ready by itself', since());
      await world.destroyed('libvirt');
    },
    6 * minutes,
  );

  it(
    'ends ready by itself: a compute killed during its install, and the frontend during its own',
    async () => {
      const build = await world.begin('dead', 'beach=1');
      await world.untilRunning('alpine-h1', 'dead-frontend');
      expect(await kill('alpine-h1', 'qemu-system-x86_64', 'guest=dead-frontend,')).toBe(1);
      await world.untilRunning('beach-h1', 'dead-compute-beach-0');
      const since = stopwatch();
      expect(await kill('beach-h1', 'qemu-system-x86_64', 'guest=dead-compute-beach-0,')).toBe(1);
      await world.ready(build);
      world.figures.note('VM killed during its install', 'computes', 'ready by itself', since());
      await world.destroyed('dead');
    },
    8 * minutes,
  );

  it(
    'ends ready by itself: a VM container rebooted during the install of its VM',
    async () => {
      const build = await world.begin('boot', 'beach=1');
      await world.untilRunning('beach-h1', 'boot-compute-beach-0');
      await labReboot({ home: world.home, machine: 'beach-h1' });
      const since = stopwatch();
      await world.ready(build);
      world.figures.note('VM container rebooted', 'computes', 'ready by itself', since());
      await world.destroyed('boot');
    },
    8 * minutes,
  );

  it(
    'parks with host and figures when a disk is full, and ends ready once it has room',
    async () => {
      // What was never at this host must come to it.
      await labDisk({ home: world.home, machine: 'cloud-h1', action: 'fill', roomMiB: 16 });
      const build = await world.begin('full', 'cloud=1');
      await world.untilBegun('full', 'image', 'cloud');
      const full = stopwatch();
      const parked = await world.untilParked('full', 6 * minutes);
      expect(parked).toMatchObject({ step: 'image', site: 'cloud', host: 'h1' });
      expect(parked.cause).toMatch(/\d+ (?:of \d+ )?MiB|\d+ MB/);
      world.figures.note('disk full', 'image', 'parked', full());
      await world.expectStatus('full', 'step image at site cloud, host h1', 'mvc resume full');
      await labDisk({ home: world.home, machine: 'cloud-h1', action: 'free' });
      await world.mvc.ok('resume', 'full');
      const freed = stopwatch();
      await world.ready(build);
      world.figures.note('disk full, then freed', 'image', 'ready after resume', freed());
      await world.destroyed('full');
    },
    10 * minutes,
  );
});

describe('a ready cluster', () => {
  /** One for direct links, and one for each relay: UDP reaches beach, so that its container is one too. */
  const linksEach = 3;

  beforeAll(async () => {
    await world.ready(await world.begin('sound', 'beach=1'));
  }, 5 * minutes);

  it(
    'runs jobs again by itself after the links of its relay were killed',
    async () => {
      expect(await kill('alpine-h1', 'wireguard-go')).toBe(linksEach);
      world.figures.note(
        "relay's links killed",
        'ready',
        'job by itself',
        await world.job('sound', 1),
      );
    },
    5 * minutes,
  );

  it(
    'runs jobs again by itself after all its links and the keepers of its paths were killed',
    async () => {
      for (const machine of ['alpine-h1', 'beach-h1']) {
        expect(await kill(machine, 'wireguard-go')).toBe(linksEach);
        expect(await kill(machine, 'node', 'keep-paths')).toBe(1);
      }
      world.figures.note('all links killed', 'ready', 'job by itself', await world.job('sound', 1));
    },
    5 * minutes,
  );

  it(
    'runs jobs on while a libvirtd is killed, and needs no repair after',
    async () => {
      const restart = { service: 'libvirtd', kill: true } as const;
      await labRestart({ home: world.home, machine: 'beach-h1', ...restart });
      const took = await world.job('sound', 1);
      world.figures.note('libvirtd killed', 'ready', 'job by itself', took);
      expect(await world.mvc.json('repair', 'sound')).toMatchObject({ findings: [] });
    },
    5 * minutes,
  );

  it(
    'is mended by repair after a compute was killed',
    async () => {
      expect(await kill('beach-h1', 'qemu-system-x86_64', 'guest=sound-compute')).toBe(1);
      const since = stopwatch();
      const repaired = await world.mvc.json<{ findings: { kind: string }[] }>('repair', 'sound');
      expect(repaired.findings).toMatchObject([{ kind: 'vm', name: 'compute-beach-0' }]);
      world.figures.note('compute killed', 'ready', 'ready after repair', since());
      await world.job('sound', 1);
    },
    5 * minutes,
  );

  it(
    'is mended by repair after the VM container of its compute was rebooted',
    async () => {
      await labReboot({ home: world.home, machine: 'beach-h1' });
      const since = stopwatch();
      await world.mvc.ok('repair', 'sound');
      world.figures.note('VM container rebooted', 'ready', 'ready after repair', since());
      await world.job('sound', 1);
    },
    6 * minutes,
  );

  it(
    'is mended by repair after the hosts of its frontend were rebooted, physical frontend included',
    async () => {
      for (const machine of ['alpine', 'alpine-h1']) {
        await labReboot({ home: world.home, machine });
      }
      const since = stopwatch();
      await world.mvc.ok('repair', 'sound');
      world.figures.note('origin rebooted', 'ready', 'ready after repair', since());
      await world.job('sound', 1);
      await world.destroyed('sound');
    },
    8 * minutes,
  );
});
