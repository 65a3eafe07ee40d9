import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { AllocationTaken } from '../../src/store/clashes.ts';
import { deleteCluster, listClusters, setPhase } from '../../src/store/clusters.ts';
import { closeDatabase, openDatabase, type Database } from '../../src/store/database.ts';
import { readLedger } from '../../src/store/ledger.ts';
import { migrateToLatest } from '../../src/store/migrate.ts';
import { findPlan, planAndRecord, recordPlan, type NewPlan } from '../../src/store/plans.ts';
import { removeSite } from '../../src/store/sites.ts';
import { clusterPhases } from '../../src/domain/cluster.ts';
import { emptyLedger, planOf, specOf } from '../helpers/plans.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { registerSites, wipe } from '../helpers/store.ts';

let postgres: TestPostgres;
let db: Database;
beforeAll(async () => {
  postgres = await startPostgres();
  await migrateToLatest(postgres.settings);
  db = openDatabase(postgres.settings, { max: 10 });
}, 60_000);
afterAll(async () => {
  if (db) await closeDatabase(db);
  await postgres?.stop();
});
beforeEach(async () => {
  await wipe(db);
  await registerSites(db, ['alpha', 'beta']);
});

const tables = [
  'cluster',
  'cluster_site',
  'vm',
  'network_interface',
  'overlay',
  'edge',
  'udp_port',
];

async function countRows(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const table of tables) {
    const { rows } = await sql`SELECT 1 FROM ${sql.table(table)}`.execute(db);
    counts[table] = rows.length;
  }
  return counts;
}

describe('a second cluster', () => {
  let first: NewPlan;
  let second: NewPlan;
  beforeEach(async () => {
    first = planOf(specOf('one', { alpha: 1, beta: 1 }));
    await recordPlan(db, first);
    second = planOf(specOf('two', { alpha: 1, beta: 1 }), await readLedger(db, ['alpha', 'beta']));
  });

  test('planned with the ledger is recorded beside the first', async () => {
    await recordPlan(db, second);
    expect(await listClusters(db)).toHaveLength(2);
  });

  const frontend = (input: NewPlan) => {
    const [vm] = input.plan.vms;
    if (!vm?.siteInterface) throw new Error('the first VM of a plan is the frontend');
    return { vm, siteInterface: vm.siteInterface };
  };
  const edge = (input: NewPlan, index: number) => {
    const found = input.plan.overlay.edges[index];
    if (!found) throw new Error(`no edge ${index}`);
    return found;
  };
  const supernode = (input: NewPlan) => {
    if (!input.plan.overlay.supernode) throw new Error('no supernode');
    return input.plan.overlay.supernode;
  };
  const setMac = (input: NewPlan, mac: string) => {
    frontend(input).vm.mac = mac;
    edge(input, 0).mac = mac;
  };

  test.each<[string, RegExp, (one: NewPlan, two: NewPlan) => void]>([
    [
      'MAC of a VM',
      /MAC [0-9a-f:]{17} belongs to a VM of cluster one/,
      (one, two) => setMac(two, one.plan.vms[2]?.mac ?? ''),
    ],
    [
      "MAC of the frontend's second interface, as a VM's first",
      /MAC [0-9a-f:]{17} belongs to a VM of cluster one/,
      (one, two) => setMac(two, frontend(one).siteInterface.mac),
    ],
    [
      "address in the site's own network",
      /address 192\.168\.10\.100 of site alpha belongs to the frontend of cluster one/,
      (one, two) => {
        frontend(two).siteInterface.address = frontend(one).siteInterface.address;
      },
    ],
    [
      'UDP port of an edge',
      /UDP port \d+ of site alpha is in use by the overlay of cluster one/,
      (one, two) => {
        edge(two, 0).udpPort = edge(one, 0).udpPort;
      },
    ],
    [
      'UDP port of the supernode, for an edge',
      /UDP port 7700 of site alpha is in use by the overlay of cluster one/,
      (one, two) => {
        edge(two, 0).udpPort = supernode(one).port;
      },
    ],
    [
      'UDP port of an edge, for the supernode',
      /UDP port \d+ of site alpha is in use by the overlay of cluster one/,
      (one, two) => {
        supernode(two).port = edge(one, 0).udpPort ?? 0;
      },
    ],
    [
      'community',
      /overlay community mvc[0-9a-f]{12} is that of cluster one/,
      (one, two) => {
        two.plan.overlay.community = one.plan.overlay.community;
      },
    ],
    [
      'cluster id',
      /cluster id [0-9a-f]{12} is that of cluster one/,
      (one, two) => {
        two.plan.clusterId = one.plan.clusterId;
      },
    ],
  ])('cannot have the same %s', async (_what, message, change) => {
    change(first, second);
    const before = await countRows();
    const failure = await recordPlan(db, second).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(AllocationTaken);
    expect(failure).toMatchObject({ kind: 'Conflict', message: expect.stringMatching(message) });
    expect(await countRows()).toEqual(before);
  });

  test.each(['tap', 'bridge'] as const)(
    'cannot have the same %s at the same container, but may at another one',
    async (device) => {
      const taken = edge(first, 1);
      const own = second.plan.overlay.edges.find((each) => each.container === taken.container);
      const elsewhere = second.plan.overlay.edges.find(
        (each) => `${each.site}/${each.container}` !== `${taken.site}/${taken.container}`,
      );
      const same = second.plan.overlay.edges.find(
        (each) => each.site === taken.site && each.container === taken.container,
      );
      expect(own).toBeDefined();
      if (!same || !elsewhere) throw new Error('the plans do not share a container');
      const planned = same[device];
      same[device] = taken[device];
      await expect(recordPlan(db, second)).rejects.toThrow(new RegExp(`${device} .* cluster one`));
      same[device] = planned;
      elsewhere[device] = taken[device];
      await recordPlan(db, second);
    },
  );

  test.each(['10.77.1.0/24', '10.77.0.0/16', '10.77.1.128/28'])(
    'cannot have network %s, which overlaps that of the first',
    async (network) => {
      const spec = { ...second.spec, network };
      const overlapping = planOf(spec, { ...(await readLedger(db, ['alpha'])), networks: [] });
      await expect(recordPlan(db, overlapping)).rejects.toMatchObject({
        kind: 'Conflict',
        message: `cluster two cannot be recorded: network ${network} overlaps the network of cluster one (10.77.1.0/24)`,
      });
    },
  );
});

describe('a plan', () => {
  test.each<[string, (input: NewPlan) => void]>([
    [
      'that has one MAC twice',
      ({ plan }) => {
        const [a, b] = plan.vms;
        const own = plan.overlay.edges[1];
        if (!a || !b || !own) throw new Error('too small a plan');
        b.mac = a.mac;
        own.mac = a.mac;
      },
    ],
    [
      'that has one address twice',
      ({ plan }) => {
        const [a, b] = plan.vms;
        const own = plan.overlay.edges[1];
        if (!a || !b || !own) throw new Error('too small a plan');
        b.address = a.address;
        own.address = a.address;
      },
    ],
    ['with an address outside its network', ({ plan }) => setAddress(plan, '10.78.0.5')],
    [
      'with two frontends',
      ({ plan }) => {
        for (const vm of plan.vms) vm.role = 'frontend';
      },
    ],
    [
      'whose edge is not at the VM container of its VM',
      ({ plan }) => {
        for (const each of plan.overlay.edges) each.container = 'vm7';
      },
    ],
    [
      'at a VM container that is not registered',
      ({ plan }) => {
        for (const each of [...plan.vms, ...plan.overlay.edges]) each.container = 'vm7';
      },
    ],
    [
      'with a malformed MAC',
      ({ plan }) => {
        for (const each of [...plan.vms, ...plan.overlay.edges]) each.mac = '02:00:00:00:00:0G';
      },
    ],
    [
      'with a malformed tap',
      ({ plan }) => {
        for (const each of plan.overlay.edges) each.tap = '../../etc';
      },
    ],
    ['with a port below 1', ({ plan }) => void (plan.overlay.supernode!.port = 0)],
  ])('%s is refused whole', async (_what, change) => {
    const input = planOf(specOf('demo', { alpha: 1, beta: 1 }));
    change(input);
    await expect(recordPlan(db, input)).rejects.toMatchObject({ name: 'Failure' });
    expect(Object.values(await countRows())).toEqual(tables.map(() => 0));
  });

  function setAddress(plan: NewPlan['plan'], address: string): void {
    const [vm] = plan.vms;
    const [own] = plan.overlay.edges;
    if (!vm || !own) throw new Error('too small a plan');
    vm.address = address;
    own.address = address;
  }

  test('for a site that was removed meanwhile is refused', async () => {
    const input = planOf(specOf('demo', { alpha: 1, beta: 1 }));
    await removeSite(db, 'beta');
    await expect(recordPlan(db, input)).rejects.toMatchObject({
      kind: 'Conflict',
      message: expect.stringContaining('(beta) is not registered'),
    });
  });

  test('of 1,201 VMs is recorded and read back', async () => {
    const input = planOf(specOf('big', { alpha: 600, beta: 600 }));
    const recorded = await recordPlan(db, input);
    expect(recorded.overlay.edges).toEqual(input.plan.overlay.edges);
  });

  test('shows in the ledger, and is out of it when the cluster is deleted', async () => {
    const { plan } = planOf(specOf('demo', { alpha: 1, beta: 1 }));
    const { cluster } = await recordPlan(db, planOf(specOf('demo', { alpha: 1, beta: 1 })));
    const ledger = await readLedger(db, ['alpha', 'beta']);
    expect(ledger.networks).toEqual([plan.network]);
    expect(ledger.macs).toHaveLength(4);
    expect(ledger.ports).toEqual({ alpha: [7700, 7701, 7702], beta: [7700] });
    expect(ledger.siteAddresses).toEqual({ alpha: ['192.168.10.100'], beta: [] });
    await deleteCluster(db, cluster);
    const none = { alpha: [], beta: [] };
    expect(await readLedger(db, ['alpha', 'beta'])).toEqual({
      ...emptyLedger,
      ports: none,
      siteAddresses: none,
    });
  });

  test('may be in every phase that the domain knows', async () => {
    await recordPlan(db, planOf(specOf('demo', { alpha: 1 })));
    for (const phase of clusterPhases) await setPhase(db, 'demo', phase, []);
  });
});

describe('twenty planners at once', () => {
  test('give nothing out twice', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `c${n}`);
    let decisions = 0;
    await Promise.all(
      names.map((name) => {
        const spec = specOf(name, { alpha: 2, beta: 2 });
        return planAndRecord(db, ['alpha', 'beta'], (ledger) => {
          decisions += 1;
          return planOf(spec, ledger);
        });
      }),
    );
    // Some had to plan again, or it would not have been a race.
    expect(decisions).toBeGreaterThan(20);
    const plans = await Promise.all(names.map((name) => findPlan(db, name)));
    const all = plans.flatMap((plan) => (plan ? [plan] : []));
    expect(all).toHaveLength(20);
    const distinct = (values: unknown[]) => expect(new Set(values).size).toBe(values.length);
    distinct(all.map((plan) => plan.cluster.network));
    distinct(all.flatMap((plan) => plan.vms.map((vm) => vm.address)));
    distinct(
      all.flatMap((plan) =>
        plan.vms.flatMap((vm) => [vm.mac, ...(vm.siteInterface ? [vm.siteInterface.mac] : [])]),
      ),
    );
    distinct(all.flatMap((plan) => plan.vms.flatMap((vm) => vm.siteInterface?.address ?? [])));
    distinct(
      all.flatMap(({ overlay }) => [
        ...overlay.edges.map((edge) => `${edge.site}:${edge.udpPort}`),
        `${overlay.supernode?.site}:${overlay.supernode?.port}`,
      ]),
    );
  });

  test('of one name give it to one', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, () => {
        const spec = specOf('demo', { alpha: 1 });
        return planAndRecord(db, ['alpha'], (ledger) => planOf(spec, ledger));
      }),
    );
    expect(outcomes.filter((each) => each.status === 'fulfilled')).toHaveLength(1);
    for (const each of outcomes) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ kind: 'Conflict' });
    }
  });
});

describe('a recording that is broken off in the middle', () => {
  const settled = async () => {
    const { rows } = await sql`SELECT 1 FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db);
    return rows.length;
  };

  /** Lets `begin` run until it waits for the table of the last rows, then breaks it off. */
  async function breakOff(begin: () => void, end: () => Promise<unknown>): Promise<void> {
    await db.transaction().execute(async (tx) => {
      await sql`LOCK TABLE udp_port IN ACCESS EXCLUSIVE MODE`.execute(tx);
      begin();
      await vi.waitFor(async () => expect(await settled()).toBe(1), { timeout: 10_000 });
      await end();
    });
    await vi.waitFor(async () => expect(await settled()).toBe(0));
  }

  test('by kill -9 of its process leaves nothing, and can be repeated', async () => {
    const input = planOf(specOf('demo', { alpha: 2, beta: 1 }));
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'fixtures', 'record-plan.ts')],
      { stdio: ['pipe', 'inherit', 'inherit'] },
    );
    const ended = once(child, 'exit');
    await breakOff(
      () => child.stdin?.end(JSON.stringify({ settings: postgres.settings, input })),
      async () => {
        child.kill('SIGKILL');
        expect(await ended).toEqual([null, 'SIGKILL']);
      },
    );
    expect(Object.values(await countRows())).toEqual(tables.map(() => 0));
    await recordPlan(db, input);
    expect((await countRows())['vm']).toBe(4);
  });

  test('by the end of its connection leaves nothing, and can be repeated', async () => {
    const input = planOf(specOf('demo', { alpha: 2, beta: 1 }));
    const other = openDatabase(postgres.settings, { onConnectionLost: () => {} });
    let outcome: Promise<unknown> = Promise.resolve();
    await breakOff(
      () => {
        outcome = recordPlan(other, input).catch((error: unknown) => error);
      },
      () =>
        sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(db),
    );
    expect(await outcome).toBeInstanceOf(Error);
    expect(Object.values(await countRows())).toEqual(tables.map(() => 0));
    expect((await recordPlan(other, input)).vms).toHaveLength(4);
    await closeDatabase(other);
  });
});
