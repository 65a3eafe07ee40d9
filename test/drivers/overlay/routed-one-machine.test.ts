import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Operation } from '../../../src/domain/mark.ts';
import { planCluster } from '../../../src/domain/plan.ts';
import { routedOrderSchema } from '../../../src/domain/routed-verbs.ts';
import { createContainerHost } from '../../../src/drivers/overlay/container-host.ts';
import { orderFor } from '../../../src/drivers/overlay/routed/order.ts';
import type { Supervisor } from '../../../src/drivers/supervisor/supervisor.ts';
import type { Shell } from '../../../src/transport/shell.ts';
import { clusterId, planInput } from '../../helpers/replans.ts';
import { clusterSpec } from '../../helpers/specs.ts';

const mark = { installation: '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a', cluster: 'demo', clusterId };
const operation = { mark } as Operation;
const named = (...names: string[]) => names.map((name) => `mvc-${clusterId}-${name}`);

let pool: string;
beforeEach(() => (pool = mkdtempSync(join(tmpdir(), 'mvc-pool-'))));
afterEach(() => rmSync(pool, { recursive: true }));

/** A machine that has a service of each role, and one of an order that is no more. */
function machine() {
  const removed: string[] = [];
  const there = named('forward', 'ground', 'link-r9');
  const supervisor = {
    describe: async () => there.map((name) => ({ name, mark, up: true })),
    remove: async (names: string[]) => void removed.push(...names),
    ensure: async () => undefined,
  } as unknown as Supervisor;
  const shell: Shell = {
    run: async ([program]) => ({
      exitCode: program === 'wg' ? 1 : 0,
      stdout: program === 'nft' ? '{"nftables":[]}' : '[]',
      stderr: '',
    }),
  };
  const policy = { pool, udpPorts: { first: 1024, last: 65_535 }, outside: [] };
  return { removed, host: createContainerHost({ shell, supervisor, policy }) };
}

it('a VM container leaves alone what the same machine hands on as physical frontend', async () => {
  const { overlay } = planCluster(planInput(clusterSpec({ overlay: { kind: 'routed' } })));
  const order = routedOrderSchema.parse(orderFor(overlay, 'beach', 'h1'));
  const { removed, host } = machine();
  await host.apply(operation, order, 'k'.repeat(43));
  expect(removed).toEqual(named('link-r9'));
});

it('also when the cluster leaves: that is removed by itself', async () => {
  const { removed, host } = machine();
  await host.remove(operation);
  expect(removed).toEqual(named('ground', 'link-r9'));
});
