import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { planCluster } from '../../../src/domain/plan.ts';
import type { RoutedOrder } from '../../../src/domain/routed-verbs.ts';
import { orderFor } from '../../../src/drivers/overlay/routed/order.ts';
import { readPaths } from '../../../src/drivers/overlay/routed/paths-files.ts';
import type { PathsState } from '../../../src/drivers/overlay/routed/paths/state.ts';
import { layer2OrderFor } from '../../../src/drivers/overlay/vxlan/order.ts';
import { planInput } from '../../helpers/replans.ts';
import { clusterSpec } from '../../helpers/specs.ts';

type SeenPath = PathsState['paths'][number];

let directory: string;
beforeEach(async () => (directory = await mkdtemp(join(tmpdir(), 'mvc-joined-'))));
afterEach(() => rm(directory, { recursive: true }));

function orderOf(kind: 'routed' | 'vxlan'): RoutedOrder {
  const table = planCluster(planInput(clusterSpec({ overlay: { kind } }))).overlay;
  const order = (kind === 'vxlan' ? layer2OrderFor : orderFor)(table, 'beach', 'h1');
  if (!order) throw new Error('beach/h1 has no part in it');
  return order;
}

/** What is read when the keeper tells of one path to each peer. */
async function joined(order: RoutedOrder, change: Partial<SeenPath>, relaysAlive = [1]) {
  const at = Math.floor(Date.now() / 1000);
  const paths = order.peers.map(({ number, name }, index): SeenPath => {
    const good = { class: 'direct' as const, carrier: 'udp' as const, mtu: 1420, since: at - 60 };
    return { number, name, ...good, ...(index === 0 ? change : {}) };
  });
  const state: PathsState = { version: 1, at, self: order.self, relaysAlive, paths };
  await writeFile(join(directory, 'paths-state.json'), JSON.stringify(state));
  return readPaths(directory, order);
}

describe('a container of a routed overlay', () => {
  const order = orderOf('routed');
  const [first] = order.peers;

  it('has joined when a relay hears it and whole packets pass to all that are there', async () => {
    expect(await joined(order, {})).toMatchObject({ joined: true });
    expect(await joined(order, { class: 'down', mtu: undefined })).toMatchObject({ joined: true });
    expect(await joined(order, { directAlive: false })).toMatchObject({ joined: true });
  });

  it('has not joined while nobody tells of it, or no relay answers', async () => {
    const nobody = await readPaths(directory, order);
    expect(nobody).toMatchObject({ joined: false, detail: 'nobody tells of its paths' });
    expect(await joined(order, {}, [])).toMatchObject({ detail: 'no relay answers' });
  });

  it('has not joined before it is known what passes: a black hole is not taken for a way', async () => {
    const since = Math.floor(Date.now() / 1000);
    expect(await joined(order, { mtu: undefined, since })).toMatchObject({
      joined: false,
      detail: `the way to ${first?.name} is being measured`,
    });
    expect(await joined(order, { mtu: undefined })).toMatchObject({
      joined: false,
      detail: `not even packets of 1280 bytes pass to ${first?.name}: the overlay needs that`,
    });
  });

  it('says which packets pass where whole ones do not', async () => {
    expect(await joined(order, { mtu: 1380 })).toMatchObject({
      joined: false,
      detail: `packets of 1420 bytes do not pass to ${first?.name}, of 1380 they do: set overlay.mtu`,
    });
  });
});

describe('a container of an overlay vxlan', () => {
  const order = orderOf('vxlan');

  it('has joined only with a direct link to each other one that is there', async () => {
    expect(await joined(order, { directAlive: true })).toMatchObject({ joined: true });
    // Between two relays traffic would have a way, but frames have none.
    const found = await joined(order, { directAlive: false });
    expect(found).toMatchObject({ joined: false });
    expect(found.detail).toContain('vxlan has no other: use overlay routed');
  });

  it('is not held up by one that is down', async () => {
    const down = { class: 'down' as const, directAlive: false, mtu: undefined };
    expect(await joined(order, down)).toMatchObject({ joined: true });
  });
});
