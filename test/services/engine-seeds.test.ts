import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClusterSpecInput } from '../../src/domain/cluster.ts';
import { findCluster, listClusters } from '../../src/store/clusters.ts';
import { startController, testSites, type TestController } from '../helpers/controller.ts';

/**
 * Seeded faults against real workflows on a real engine and database: without the promise that a seed
 * replays (that is what `npm run sim` is for), but with the engine's own retries, timers and races.
 * MVC_ENGINE_SEEDS says how many; a few by default.
 */
const seeds = Number(process.env['MVC_ENGINE_SEEDS'] ?? 6);
const atOnce = 6;
/** Faults that are under way at once; more would only wait for each other's retries. */
const faultsPerSeed = 3;

let controller: TestController;

beforeAll(async () => {
  controller = await startController();
});
afterAll(async () => {
  await controller?.stop();
});

/** A small generator (mulberry32), so that a seed names its choices. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function choose<T>(random: () => number, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
}

const verbs =
  'reserve ensureImage ensureVms startVms stopVms removeVms describeVms guestRun listOwned ' +
  'overlay.apply overlay.remove overlay.ensureSupernode';

function spoil(random: () => number): void {
  for (let n = 0; n < faultsPerSeed; n += 1) {
    controller.world.addFault({
      site: choose(random, testSites),
      verb: choose(random, verbs.split(' ')),
      when: choose(random, ['before', 'after'] as const),
      kind: choose(random, ['Unreachable', 'CommandFailed', 'Busy', 'Forbidden'] as const),
      times: 1 + Math.floor(random() * 2),
    });
  }
}

/** Waits for the end, and resumes whatever parks meanwhile. */
async function toTheEnd(operation: { cluster: string; runId: string }) {
  const { client } = controller;
  for await (const progress of client.watch(operation)) {
    if (progress.steps.some((step) => step.parked)) {
      await client.resume(operation.cluster, {}).catch(() => undefined);
    }
  }
  return client.result(operation);
}

/** A gang that was refused has left nothing: it is asked for again, as often as there are faults of all lanes. */
async function buildAtLast(spec: ClusterSpecInput) {
  for (let refused = 0; ; refused += 1) {
    try {
      return await toTheEnd(await controller.client.build(spec));
    } catch (error) {
      if (refused === atOnce * faultsPerSeed) throw error;
    }
  }
}

async function live(seed: number): Promise<void> {
  const random = generator(seed);
  const { client } = controller;
  const name = `seed-${seed}`;
  const sites = testSites.map((site) => ({ name: site, computes: 1 + Math.floor(random() * 2) }));
  const spec = controller.spec(name, { origin: choose(random, testSites), sites });
  spoil(random);
  if (random() < 0.3) {
    await client.build(spec);
    await client.cancel(name);
  }
  expect(await buildAtLast(spec)).toMatchObject({ phase: 'ready' });
  spoil(random);
  const change = choose(random, ['scale', 'repair', 'power', 'none'] as const);
  if (change === 'scale') {
    await toTheEnd(
      await client.scale(name, { [choose(random, testSites)]: 1 + Math.floor(random() * 3) }),
    );
  }
  if (change === 'repair') {
    controller.world.crash(
      choose(random, testSites),
      choose(
        random,
        testSites.map((site) => `compute-${site}-0`),
      ),
    );
    await toTheEnd(await client.repair(name));
  }
  if (change === 'power') {
    await toTheEnd(await client.stop(name));
    await toTheEnd(await client.start(name));
  }
  expect((await findCluster(controller.db, name))?.phase).toBe('ready');
  expectNothingTwice();
  spoil(random);
  await toTheEnd(await client.destroy(name));
}

function expectNothingTwice(): void {
  const domains = Object.values(controller.world.look().sites).flatMap((site) => site.domains);
  const macs = domains.flatMap((domain) => domain.macs);
  expect(new Set(macs).size).toBe(macs.length);
}

it(
  `${seeds} seeds of faults on a real engine each end ready and then destroyed, and leave nothing`,
  async () => {
    const waiting = Array.from({ length: seeds }, (_, index) => index + 1);
    const failed: string[] = [];
    const lane = async () => {
      for (let seed = waiting.shift(); seed !== undefined; seed = waiting.shift()) {
        await live(seed).catch((error: unknown) => failed.push(`seed ${seed}: ${String(error)}`));
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
    expect(failed).toEqual([]);
    expect(await listClusters(controller.db)).toEqual([]);
    expect((await controller.client.inventory()).things).toEqual([]);
  },
  60 * 60_000,
);
