import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from './hosts.ts';
import { startPings, startWgWorld, type WgWorld } from './wg-world.ts';

describe('the keeper of paths, with one relay and two containers behind NATs', () => {
  let world: WgWorld;
  beforeAll(async () => {
    world = await startWgWorld(1, ['b', 'c']);
  });
  afterAll(async () => world?.stop());

  it('brings two containers together that nobody can reach from outside', async () => {
    const [r, b, c] = ['r1', 'b', 'c'].map((name) => world.node(name)) as [any, any, any];
    const began = Date.now();
    for (const node of [r, b, c]) world.startKeeper(node);
    try {
      await until(15, 'direct', async () => world.path(b, c)?.class === 'direct');
    } finally {
      console.log((Date.now() - began) / 1000, JSON.stringify([r, b, c].map((n) => world.state(n)), null, 1));
      for (const n of [r, b, c]) console.log(n.name, world.log(n));
      console.log(await world.run(b.namespace, 'ip route'), await world.run(b.namespace, 'wg show ' + b.namespace + '-d'), await world.run(b.namespace, 'wg show ' + b.namespace + '-r0'));
    }
    expect(1).toBe(1);
  });
});
