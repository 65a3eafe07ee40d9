import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { closeDatabase, openDatabase, type Database } from '../../src/store/database.ts';
import {
  deleteCluster,
  findCluster,
  listClusters,
  raiseEpoch,
  setImage,
  setPhase,
  setVerifyReport,
} from '../../src/store/clusters.ts';
import { finishBuild, listBuilds, startBuild } from '../../src/store/builds.ts';
import { migrateToLatest } from '../../src/store/migrate.ts';
import { migrations } from '../../src/store/migrations/list.ts';
import { findPlan, recordPlan } from '../../src/store/plans.ts';
import {
  findSite,
  insertPendingSite,
  listSites,
  markSiteReady,
  recordFacts,
  removeSite,
  replaceSite,
} from '../../src/store/sites.ts';
import { listVms, setVmStates } from '../../src/store/vms.ts';
import { factsOf, memorySite, newClusterId, planOf, specOf } from '../helpers/plans.ts';
import { startPostgres, type TestPostgres } from '../helpers/postgres.ts';
import { registerSites, wipe } from '../helpers/store.ts';

let postgres: TestPostgres;
let db: Database;
beforeAll(async () => {
  postgres = await startPostgres();
  await migrateToLatest(postgres.settings);
  db = openDatabase(postgres.settings);
}, 60_000);
afterAll(async () => {
  if (db) await closeDatabase(db);
  await postgres?.stop();
});
beforeEach(async () => {
  await wipe(db);
});

describe('migrations', () => {
  test('run again, they find nothing to do', async () => {
    expect(await migrateToLatest(postgres.settings)).toEqual([]);
  });

  test('started by several workers at once in an empty database, each runs once', async () => {
    await sql`CREATE DATABASE empty`.execute(db);
    const settings = { ...postgres.settings, database: 'empty' };
    const runs = await Promise.all(Array.from({ length: 4 }, () => migrateToLatest(settings)));
    expect(runs.flat().sort()).toEqual(Object.keys(migrations));
  });

  test('keep the rows that an earlier version wrote, and make room for new operations', async () => {
    await sql`CREATE DATABASE older`.execute(db);
    const settings = { ...postgres.settings, database: 'older' };
    const older = openDatabase(settings);
    const migrator = new Migrator({
      db: older,
      provider: { getMigrations: async () => migrations },
    });
    const { error } = await migrator.migrateTo('2026-11-23-5-paper-views');
    expect(error).toBeUndefined();
    await registerSites(older, ['alpha']);
    const { spec, plan } = planOf(specOf('demo', { alpha: 1 }));
    await sql`INSERT INTO cluster (name, id, installation, spec, network, mtu)
      VALUES ('demo', ${plan.clusterId}, ${randomUUID()}, ${JSON.stringify(spec)}, ${plan.network}, 1400)`.execute(
      older,
    );
    await sql`INSERT INTO cluster_site VALUES ('demo', 'alpha', 1)`.execute(older);
    await sql`INSERT INTO overlay VALUES ('demo', 'memory', '1.0', 'mvc01234', 1400, false, 'alpha', '192.0.2.1')`.execute(
      older,
    );
    await sql`INSERT INTO udp_port VALUES ('alpha', 7700, 'demo', NULL)`.execute(older);
    const build = { cluster: 'demo', kind: 'build', runId: 'one' } as const;
    await startBuild(older, build);
    const scale = { ...build, kind: 'scale', runId: 'two' } as const;
    await expect(startBuild(older, scale)).rejects.toThrow('build_kind_check');
    expect(await migrateToLatest(settings)).toContain('2026-11-25-1-changes');
    await startBuild(older, scale);
    await setPhase(older, 'demo', 'changing', []);
    const found = await findPlan(older, 'demo');
    expect(found?.cluster).toMatchObject({ id: plan.clusterId, phase: 'changing' });
    expect(found?.overlay.supernode).toMatchObject({ site: 'alpha', port: 7700 });
    expect((await listBuilds(older, 'demo')).map((each) => each.kind)).toEqual(['scale', 'build']);
    await closeDatabase(older);
  });

  test('are listed in the order in which they run', () => {
    expect(Object.keys(migrations)).toEqual(Object.keys(migrations).sort());
  });
});

describe('the connection', () => {
  test('says what to do when nobody answers', async () => {
    const nobody = openDatabase({ ...postgres.settings, port: 1 });
    await expect(listSites(nobody)).rejects.toMatchObject({
      kind: 'Unreachable',
      help: expect.stringContaining('mvc up'),
    });
    await closeDatabase(nobody);
  });

  test('says that the password is wrong, without showing it', async () => {
    const wrong = openDatabase({ ...postgres.settings, password: 'hunter2' });
    const failure = await listSites(wrong).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'AccessDenied' });
    expect(String(failure)).not.toContain('hunter2');
    await closeDatabase(wrong);
  });

  test('is opened anew after the server has ended it, idle or in use', async () => {
    const lost: string[] = [];
    const other = openDatabase(postgres.settings, {
      max: 2,
      onConnectionLost: (message) => lost.push(message),
    });
    const busy = sql`SELECT pg_sleep(10)`.execute(other);
    const idle = sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(other);
    const gone = expect(busy).rejects.toThrow();
    await idle;
    await vi.waitFor(async () => {
      const { rows } = await sql`SELECT pid FROM pg_stat_activity
        WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'`.execute(db);
      expect(rows).toHaveLength(1);
    });
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = 'mvc' AND pid <> pg_backend_pid()`.execute(db);
    await gone;
    await vi.waitFor(() => expect(lost.length).toBeGreaterThanOrEqual(2));
    expect(await listSites(other)).toEqual([]);
    await closeDatabase(other);
  });
});

describe('sites', () => {
  const site = memorySite('alpha');

  test('are pending until their facts are known', async () => {
    await insertPendingSite(db, site);
    expect(await findSite(db, 'alpha')).toMatchObject({ site, state: 'pending' });
    await markSiteReady(db, 'alpha', factsOf(site));
    const ready = await findSite(db, 'alpha');
    expect(ready).toMatchObject({ state: 'ready', facts: factsOf(site) });
    expect(Math.abs(Date.now() - (ready?.factsAt ?? 0))).toBeLessThan(60_000);
  });

  test('have one owner per name', async () => {
    await insertPendingSite(db, site);
    await insertPendingSite(db, site);
    await markSiteReady(db, 'alpha', factsOf(site));
    await expect(insertPendingSite(db, site)).rejects.toMatchObject({ kind: 'Conflict' });
    expect(await listSites(db)).toHaveLength(1);
  });

  test('of another definition do not replace a pending one', async () => {
    await insertPendingSite(db, site);
    const other = { ...site, containers: site.containers.slice(0, 1) } as typeof site;
    await expect(insertPendingSite(db, other)).rejects.toMatchObject({ kind: 'Conflict' });
  });

  test('that are not registered have no facts', async () => {
    await expect(recordFacts(db, 'alpha', factsOf(site))).rejects.toMatchObject({
      kind: 'NotFound',
    });
  });

  test('can be defined anew, but for VM containers in use', async () => {
    await expect(replaceSite(db, site, factsOf(site))).rejects.toMatchObject({ kind: 'NotFound' });
    await registerSites(db, ['alpha']);
    const { cluster, vms } = await recordPlan(db, planOf(specOf('demo', { alpha: 1 })));
    expect(new Set(vms.map((vm) => vm.container))).toEqual(new Set(['vm0', 'vm1']));
    const more = memorySite('alpha', ['vm0', 'vm1', 'vm2']);
    await replaceSite(db, more, factsOf(more));
    await replaceSite(db, more, factsOf(more));
    const less = memorySite('alpha', ['vm0']);
    await expect(replaceSite(db, less, factsOf(less))).rejects.toMatchObject({
      kind: 'Conflict',
      message: expect.stringMatching(/VM container vm1 of site alpha is in use.*demo/),
    });
    expect((await findSite(db, 'alpha'))?.site).toEqual(more);
    await deleteCluster(db, cluster);
    await replaceSite(db, less, factsOf(less));
    expect((await findSite(db, 'alpha'))?.site).toEqual(less);
  });

  test('are not removed while clusters use them, and the clusters are named', async () => {
    await registerSites(db, ['alpha', 'beta']);
    const { cluster } = await recordPlan(db, planOf(specOf('demo', { alpha: 0, beta: 1 })));
    for (const name of ['alpha', 'beta']) {
      await expect(removeSite(db, name)).rejects.toMatchObject({
        kind: 'Conflict',
        message: `site ${name} is in use by demo`,
      });
    }
    await deleteCluster(db, cluster);
    expect(await removeSite(db, 'alpha')).toBe(true);
    expect(await removeSite(db, 'alpha')).toBe(false);
  });
});

describe('clusters', () => {
  beforeEach(() => registerSites(db, ['alpha', 'beta']));

  test('are recorded whole, and read back as planned', async () => {
    const input = planOf(specOf('demo', { alpha: 2, beta: 1 }));
    const recorded = await recordPlan(db, input);
    expect(recorded.cluster).toMatchObject({ name: 'demo', phase: 'building', epoch: 0 });
    expect(recorded.vms).toEqual(input.plan.vms.map((vm) => ({ ...vm, state: 'planned' })));
    expect(recorded.overlay).toEqual(input.plan.overlay);
    expect(await findPlan(db, 'demo')).toEqual(recorded);
    expect((await listVms(db, 'demo', 'beta')).map((vm) => vm.name)).toEqual(['compute-beta-0']);
  });

  test('have in their overlay the networks outside that their spec opens', async () => {
    const input = planOf(specOf('demo', { alpha: 1 }));
    const outside = ['0.0.0.0/0', '192.168.10.50/32'];
    input.spec.overlay = { kind: 'routed', insecure: false, outside };
    input.plan.overlay = { ...input.plan.overlay, kind: 'routed', outside };
    const recorded = await recordPlan(db, input);
    expect(recorded.overlay).toEqual(input.plan.overlay);
    expect((await recordPlan(db, input)).overlay.outside).toEqual(outside);
  });

  test('recorded again give what is there, with its present state', async () => {
    const input = planOf(specOf('demo', { alpha: 1 }));
    await recordPlan(db, input);
    await setVmStates(db, 'demo', { frontend: 'running', stranger: 'running' });
    const again = await recordPlan(db, structuredClone(input));
    expect(again.vms.map((vm) => vm.state)).toEqual(['running', 'planned']);
    expect(await listClusters(db)).toHaveLength(1);
  });

  test('recorded by eight attempts at once are recorded once', async () => {
    const input = planOf(specOf('demo', { alpha: 3, beta: 3 }));
    const all = await Promise.all(Array.from({ length: 8 }, () => recordPlan(db, input)));
    for (const each of all) expect(each).toEqual(all[0]);
  });

  test('refuse another plan of the same identity, and another identity of the same name', async () => {
    const input = planOf(specOf('demo', { alpha: 1 }));
    await recordPlan(db, input);
    const bigger = planOf(specOf('demo', { alpha: 2 }), undefined, input.plan.clusterId);
    await expect(recordPlan(db, bigger)).rejects.toMatchObject({
      kind: 'Conflict',
      message: expect.stringContaining('another plan'),
    });
    await expect(recordPlan(db, planOf(input.spec))).rejects.toMatchObject({
      kind: 'Conflict',
      message: 'there is already a cluster named demo',
    });
  });

  test('raise their epoch by one each time, also at once', async () => {
    await recordPlan(db, planOf(specOf('demo', { alpha: 1 })));
    const epochs = await Promise.all(Array.from({ length: 10 }, () => raiseEpoch(db, 'demo')));
    expect(epochs.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await expect(raiseEpoch(db, 'none')).rejects.toMatchObject({ kind: 'NotFound' });
  });

  test('keep what the build found out', async () => {
    await recordPlan(db, planOf(specOf('demo', { alpha: 1 })));
    const image = { digest: 'ab'.repeat(32), size: 5_000_000_000 };
    const verify = {
      hostnames: ['compute-alpha-0'],
      mpi: { ranks: 1, nodes: ['a'], sum: 1, expectedSum: 1, interface: 'eth0' },
      mtu: 1400,
      rtt: [{ from: 'alpha', to: 'beta', ms: 100.5 }],
      transcript: 'NUL \0 and ü',
    };
    const conditions = [
      { type: 'Ready' as const, status: true, reason: 'Verified', message: 'a job ran' },
    ];
    await setImage(db, 'demo', image);
    await setVerifyReport(db, 'demo', verify);
    await setPhase(db, 'demo', 'ready', conditions);
    const found = await findCluster(db, 'demo');
    expect(found).toMatchObject({ image, phase: 'ready', conditions });
    expect(found?.verify).toEqual({ ...verify, transcript: 'NUL \uFFFD and ü' });
    expect(found?.readyAt).toBeGreaterThan(0);
  });

  test('do not take the word of an operation that was overtaken', async () => {
    await recordPlan(db, planOf(specOf('demo', { alpha: 1 })));
    const [first, second] = [await raiseEpoch(db, 'demo'), await raiseEpoch(db, 'demo')];
    await setPhase(db, 'demo', 'destroying', [], second);
    await expect(setPhase(db, 'demo', 'ready', [], first)).rejects.toMatchObject({
      kind: 'StaleEpoch',
    });
    expect((await findCluster(db, 'demo'))?.phase).toBe('destroying');
  });

  test('once deleted leave nothing but their history, and the name is free', async () => {
    const { cluster } = await recordPlan(db, planOf(specOf('demo', { alpha: 2, beta: 2 })));
    await startBuild(db, { cluster: 'demo', kind: 'build', runId: 'run-1' });
    expect(await deleteCluster(db, { name: 'demo', id: newClusterId() })).toBe(false);
    expect(await deleteCluster(db, cluster)).toBe(true);
    expect(await deleteCluster(db, cluster)).toBe(false);
    for (const table of [
      'cluster_site',
      'vm',
      'network_interface',
      'overlay',
      'edge',
      'udp_port',
    ]) {
      expect((await sql`SELECT 1 FROM ${sql.table(table)}`.execute(db)).rows).toEqual([]);
    }
    await recordPlan(db, planOf(specOf('demo', { alpha: 1 })));
    expect(await listBuilds(db, 'demo')).toHaveLength(1);
  });
});

describe('builds', () => {
  beforeEach(async () => {
    await registerSites(db, ['alpha']);
    await recordPlan(db, planOf(specOf('demo', { alpha: 1 })));
  });

  test('begin once per run, each under an epoch of its own', async () => {
    const start = { cluster: 'demo', kind: 'build' as const, runId: 'run-1' };
    const attempts = await Promise.all(Array.from({ length: 5 }, () => startBuild(db, start)));
    expect(new Set(attempts.map((build) => build.id)).size).toBe(1);
    expect(attempts[0]?.epoch).toBe(1);
    const next = await startBuild(db, { ...start, kind: 'destroy', runId: 'run-2' });
    expect(next.epoch).toBe(2);
    expect((await listBuilds(db, 'demo')).map((build) => build.runId)).toEqual(['run-2', 'run-1']);
  });

  test('of a cluster that is not there do not begin', async () => {
    await expect(
      startBuild(db, { cluster: 'none', kind: 'build', runId: 'run-1' }),
    ).rejects.toMatchObject({ kind: 'NotFound' });
    expect(await listBuilds(db, 'none')).toEqual([]);
  });

  test('keep their steps, and their first end', async () => {
    const { id } = await startBuild(db, { cluster: 'demo', kind: 'build', runId: 'run-1' });
    const steps = [{ step: 'reserve' as const, site: 'alpha', startedAt: 1, finishedAt: 2 }];
    await finishBuild(db, id, { outcome: 'failed', error: 'no \0 capacity', steps });
    await finishBuild(db, id, { outcome: 'succeeded' });
    expect((await listBuilds(db, 'demo'))[0]).toMatchObject({
      steps,
      outcome: 'failed',
      error: 'no \uFFFD capacity',
      finishedAt: expect.any(Number),
    });
  });
});

describe("the paper's tables", () => {
  test('are found again by their names, with their rows', async () => {
    await registerSites(db, ['alpha', 'beta']);
    const plan = await recordPlan(db, planOf(specOf('demo', { alpha: 1, beta: 1 })));
    const rowsOf = async (view: string) =>
      (await sql<Record<string, unknown>>`SELECT * FROM ${sql.table(view)}`.execute(db)).rows;
    expect((await rowsOf('Site')).map((row) => row['name']).sort()).toEqual(['alpha', 'beta']);
    expect(await rowsOf('phy_nodes_for_MVC')).toHaveLength(3);
    expect((await rowsOf('vm_nodes_for_MVC')).map((row) => row['mac']).sort()).toEqual(
      plan.vms.map((vm) => vm.mac).sort(),
    );
    expect((await rowsOf('Overlay')).map((row) => row['port']).sort()).toEqual(
      plan.overlay.edges.map((edge) => edge.udpPort).sort(),
    );
    expect(await rowsOf('Networks_for_MVC')).toEqual([
      expect.objectContaining({
        mvc: 'demo',
        subnet: plan.cluster.network,
        community: plan.overlay.community,
        supernode: plan.overlay.supernode?.address,
        supernode_port: plan.overlay.supernode?.port,
      }),
    ]);
  });
});
