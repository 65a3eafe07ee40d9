import { ApplicationFailure } from '@temporalio/activity';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ParkedStep, VerifyReport } from '../../src/domain/cluster.ts';
import type { FailureDescription } from '../../src/domain/failure.ts';
import type { OperationScope } from '../../src/domain/operation.ts';
import { listBuilds } from '../../src/store/builds.ts';
import { findCluster } from '../../src/store/clusters.ts';
import { closeDatabase, openDatabase, type Database } from '../../src/store/database.ts';
import { readLedger } from '../../src/store/ledger.ts';
import { migrateToLatest } from '../../src/store/migrate.ts';
import { clustersAt } from '../../src/store/sites.ts';
import { listVms } from '../../src/store/vms.ts';
import { controlOfRun } from '../helpers/control-activities.ts';
import { installation, specOf } from '../helpers/plans.ts';
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
  await registerSites(db, ['alpha', 'beta', 'gamma']);
});

const spec = specOf('demo', { alpha: 1, beta: 2 });
const report: VerifyReport = {
  hostnames: ['compute-alpha-0', 'compute-beta-0', 'compute-beta-1'],
  mpi: { ranks: 3, nodes: [], sum: 6, expectedSum: 6, interface: 'eth0' },
  mtu: 1400,
  rtt: [],
  transcript: '',
};

/** The control activities of a workflow run. */
const run = (id: string) => controlOfRun(db, id);

async function planned(): Promise<OperationScope> {
  return run('build').recordPlan({ spec });
}

async function built(): Promise<OperationScope> {
  const scope = await planned();
  await run('build').finishBuild({ scope, steps: [], report });
  return scope;
}

async function statesOf(cluster = 'demo'): Promise<Record<string, string>> {
  const vms = await listVms(db, cluster);
  return Object.fromEntries(vms.map((vm) => [vm.name, vm.state]));
}

async function failureOf(promise: Promise<unknown>): Promise<FailureDescription> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ApplicationFailure)) throw new Error(`no failure: ${String(error)}`);
  return error.details?.[0] as FailureDescription;
}

/** All that a refused operation must leave as it was. */
async function snapshot() {
  const cluster = await findCluster(db, 'demo');
  return { cluster, vms: await listVms(db, 'demo'), builds: await listBuilds(db, 'demo') };
}

describe('a build', () => {
  test('finds nothing, then an unfinished cluster, then a ready one with its proof', async () => {
    expect(await run('a').takeUp({ spec })).toEqual({ state: 'new' });
    await planned();
    expect(await run('b').takeUp({ spec })).toEqual({ state: 'unfinished' });
    const scope = await run('c').recordPlan({ spec });
    expect(scope.fresh).toBe(false);
    await run('c').finishBuild({ scope, steps: [], report });
    expect(await run('d').takeUp({ spec })).toEqual({ state: 'ready', report });
  });

  test('of another spec is refused with the differences', async () => {
    await built();
    const other = specOf('demo', { alpha: 1, beta: 3 });
    expect(await failureOf(run('b').takeUp({ spec: other }))).toMatchObject({
      kind: 'Conflict',
      message: expect.stringContaining('sites.beta.computes: 2 → 3'),
      help: expect.stringContaining('mvc scale demo'),
    });
  });

  test('that is repeated after a lost answer has one plan, one row and one epoch', async () => {
    const first = await planned();
    await run('build').recordVmStates({
      operation: first.operation,
      states: { frontend: 'reserved' },
    });
    expect(await planned()).toEqual(first);
    expect(first).toMatchObject({ kind: 'build', fresh: true, sites: ['alpha', 'beta'] });
    expect(await listBuilds(db, 'demo')).toHaveLength(1);
  });

  test('goes on with an unfinished cluster under a new epoch, with the states it has', async () => {
    const first = await planned();
    const states = { frontend: 'ready', 'compute-beta-0': 'reserved' };
    await run('build').recordVmStates({ operation: first.operation, states });
    const end = { outcome: 'failed', error: 'no', abandoned: false } as const;
    await run('build').closeBuild({ scope: first, steps: [], ...end });
    const second = await run('again').recordPlan({ spec });
    expect(second.operation.epoch).toBe(2);
    expect(await statesOf()).toEqual({
      frontend: 'ready',
      'compute-alpha-0': 'planned',
      'compute-beta-0': 'reserved',
      'compute-beta-1': 'planned',
    });
  });

  test('of a stopped cluster is refused', async () => {
    await built();
    await run('stop').beginOperation({ cluster: 'demo', kind: 'stop' });
    expect(await failureOf(run('b').takeUp({ spec }))).toMatchObject({
      kind: 'Conflict',
      help: expect.stringContaining('mvc start demo'),
    });
  });
});

describe('an operation', () => {
  test('on a cluster that is not there is refused', async () => {
    for (const kind of ['scale', 'repair', 'stop', 'start'] as const) {
      const failure = await failureOf(run('r').beginOperation({ cluster: 'demo', kind }));
      expect(failure).toMatchObject({ kind: 'NotFound' });
    }
    expect(await run('r').watchedCluster({ cluster: 'demo' })).toBeUndefined();
  });

  test('on a cluster that was never ready is refused, with the way on', async () => {
    await planned();
    const request = { cluster: 'demo', kind: 'repair' } as const;
    expect(await failureOf(run('r').beginOperation(request))).toMatchObject({
      kind: 'Conflict',
      help: expect.stringContaining('mvc create demo'),
    });
  });

  test('on a half destroyed cluster is refused', async () => {
    await built();
    await run('d').beginDestroy({ cluster: 'demo' });
    const request = { cluster: 'demo', kind: 'start' } as const;
    expect(await failureOf(run('r').beginOperation(request))).toMatchObject({
      kind: 'Conflict',
      help: expect.stringContaining('mvc destroy demo'),
    });
  });

  test.each([
    ['BadInput', { kind: 'scale', sites: {} }],
    ['BadInput', { kind: 'scale', sites: { alpha: 0, beta: 0 } }],
    ['BadInput', { kind: 'scale', sites: { delta: 1 } }],
    ['BadInput', { kind: 'scale', sites: { beta: -1 } }],
    ['NoCapacity', { kind: 'scale', sites: { beta: 1000 } }],
    ['NotFound', { kind: 'stop', vm: 'compute-beta-7' }],
    ['Conflict', { kind: 'stop', vm: 'frontend' }],
  ] as const)('that is refused (%s, %j) changes nothing', async (kind, request) => {
    await built();
    const before = await snapshot();
    const failure = await failureOf(run('r').beginOperation({ cluster: 'demo', ...request }));
    expect(failure).toMatchObject({ kind });
    expect(await snapshot()).toEqual(before);
  });

  test('makes what an earlier one still writes stale', async () => {
    const { operation, ...rest } = await built();
    const scope = { operation, ...rest };
    await run('r').beginOperation({ cluster: 'demo', kind: 'repair' });
    const before = await snapshot();
    const steps: never[] = [];
    const writes = [
      () => run('build').recordVmStates({ operation, states: { frontend: 'installing' } }),
      () => run('build').forgetVms({ operation, vms: ['compute-beta-1'] }),
      () => run('build').recordAttention({ operation, parked: [] }),
      () => run('build').finishChange({ scope, steps, phase: 'ready', message: '' }),
      () => run('build').finishBuild({ scope, steps, report }),
      () => run('build').changePlan({ scope, spec: specOf('demo', { alpha: 2 }) }),
      () => run('build').finishDestroy({ scope, steps, left: [] }),
    ];
    for (const write of writes)
      expect(await failureOf(write())).toMatchObject({ kind: 'StaleEpoch' });
    expect(await snapshot()).toEqual(before);
  });

  test('on a cluster that was destroyed and made again is refused', async () => {
    const first = await built();
    const destroy = await run('d').beginDestroy({ cluster: 'demo' });
    if (!destroy) throw new Error('there is no cluster');
    const left = ['site beta: 2 VMs'];
    await run('d').finishDestroy({ scope: destroy, steps: [], left });
    await run('d').finishDestroy({ scope: destroy, steps: [], left });
    expect((await listBuilds(db, 'demo'))[0]).toMatchObject({
      outcome: 'succeeded',
      error: 'left behind: site beta: 2 VMs',
    });
    await run('build 2').recordPlan({ spec });
    const write = run('build').recordVmStates({ operation: first.operation, states: {} });
    expect(await failureOf(write)).toMatchObject({ kind: 'NotFound' });
  });
});

describe('a scale', () => {
  const request = { cluster: 'demo', kind: 'scale', sites: { beta: 1, gamma: 2 } } as const;

  test('records spec, plan, phase and epoch at once, and once for each run', async () => {
    await built();
    const scope = await run('s').beginOperation(request);
    expect(scope).toMatchObject({
      kind: 'scale',
      fresh: false,
      sites: ['alpha', 'beta', 'gamma'],
      operation: { epoch: 2 },
    });
    expect(await run('s').beginOperation(request)).toEqual(scope);
    expect(await statesOf()).toEqual({
      frontend: 'ready',
      'compute-alpha-0': 'ready',
      'compute-beta-0': 'ready',
      'compute-beta-1': 'leaving',
      'compute-gamma-0': 'planned',
      'compute-gamma-1': 'planned',
    });
    expect(await findCluster(db, 'demo')).toMatchObject({
      phase: 'changing',
      epoch: 2,
      spec: specOf('demo', { alpha: 1, beta: 1, gamma: 2 }),
      conditions: [{ type: 'Ready', status: false, reason: 'Scaling' }],
    });
  });

  test('begun by several attempts of one run at once is begun once', async () => {
    await built();
    const attempts = Array.from({ length: 4 }, () => run('s').beginOperation(request));
    const [first, ...others] = await Promise.all(attempts);
    for (const other of others) expect(other).toEqual(first);
    expect(await listBuilds(db, 'demo')).toHaveLength(2);
    expect(await listVms(db, 'demo')).toHaveLength(6);
  });

  test('hands out who runs, who leaves, and a table without those that leave', async () => {
    await built();
    const { operation } = await run('s').beginOperation(request);
    const share = await run('s').siteShare({ operation, site: 'beta' });
    expect(share.vms.map((vm) => vm.name)).toEqual(['compute-beta-0']);
    expect(share.leaving.map((vm) => vm.name)).toEqual(['compute-beta-1']);
    expect(share.leaving[0]?.bridge).toMatch(/^b/);
    expect(share.table.edges.map((edge) => edge.vm)).not.toContain('compute-beta-1');
    const frontend = await run('s').frontendShare({ operation });
    expect(frontend.leaving).toEqual(['compute-beta-1']);
    expect(frontend.computes.map((vm) => vm.name)).toEqual([
      'compute-alpha-0',
      'compute-beta-0',
      'compute-gamma-0',
      'compute-gamma-1',
    ]);
  });

  test('keeps what leaving VMs have until they are forgotten, then it is free', async () => {
    await built();
    const was = (await listVms(db, 'demo')).find((vm) => vm.name === 'compute-beta-1');
    const { operation } = await run('s').beginOperation({ ...request, sites: { beta: 1 } });
    const states = { 'compute-beta-1': 'ready' };
    await run('s').recordVmStates({ operation, states });
    expect((await statesOf())['compute-beta-1']).toBe('leaving');

    const again = await run('t').beginOperation({ ...request, sites: { beta: 2 } });
    const joined = (await listVms(db, 'demo')).find((vm) => vm.name === 'compute-beta-2');
    expect(joined).toMatchObject({ state: 'planned' });
    expect(joined?.mac).not.toBe(was?.mac);
    expect(joined?.address).not.toBe(was?.address);
    const ports = (await readLedger(db, ['beta'])).ports['beta'];
    expect(ports).toHaveLength(3);

    const leaving = ['compute-beta-1', 'compute-beta-0', 'frontend'];
    await run('t').forgetVms({ operation: again.operation, vms: leaving });
    await run('t').forgetVms({ operation: again.operation, vms: leaving });
    expect(Object.keys(await statesOf()).toSorted()).toEqual([
      'compute-alpha-0',
      'compute-beta-0',
      'compute-beta-2',
      'frontend',
    ]);
    expect((await readLedger(db, ['beta'])).ports['beta']).toHaveLength(2);
    await run('u').beginOperation({ ...request, sites: { beta: 3 } });
    const back = (await listVms(db, 'demo')).find((vm) => vm.name === 'compute-beta-1');
    expect(back).toMatchObject({ mac: was?.mac, address: was?.address, state: 'planned' });
  });

  test('holds a site that it leaves until its last VM is forgotten', async () => {
    await built();
    const scope = await run('s').beginOperation({ ...request, sites: { beta: 0 } });
    expect(scope.sites).toEqual(['alpha', 'beta']);
    const share = await run('s').siteShare({ operation: scope.operation, site: 'beta' });
    expect(share).toMatchObject({ vms: [], isOrigin: false, table: { edges: [] } });
    expect(share.leaving).toHaveLength(2);
    expect(await clustersAt(db, 'beta')).toEqual(['demo']);
    const names = share.leaving.map((vm) => vm.name);
    await run('s').forgetVms({ operation: scope.operation, vms: names.slice(0, 1) });
    expect(await clustersAt(db, 'beta')).toEqual(['demo']);
    await run('s').forgetVms({ operation: scope.operation, vms: names });
    expect(await clustersAt(db, 'beta')).toEqual([]);
    expect((await run('s').watchedCluster({ cluster: 'demo' }))?.scope.sites).toEqual(['alpha']);
    const gone = await run('s').siteShare({ operation: scope.operation, site: 'beta' });
    expect(gone).toMatchObject({ vms: [], leaving: [] });
  });

  test('of several clusters at once gives nothing out twice', async () => {
    const names = ['one', 'two', 'three', 'four'];
    for (const name of names) {
      const own = specOf(name, { alpha: 1 });
      const scope = await run(`build ${name}`).recordPlan({ spec: own });
      await run(`build ${name}`).finishBuild({ scope, steps: [], report });
    }
    await Promise.all(
      names.map((cluster) =>
        run(`scale ${cluster}`).beginOperation({ cluster, kind: 'scale', sites: { beta: 5 } }),
      ),
    );
    const { ports, macs } = await readLedger(db, ['beta']);
    expect(new Set(ports['beta'])).toHaveProperty('size', 20);
    expect(new Set(macs)).toHaveProperty('size', macs.length);
  });
});

describe('a corrected spec', () => {
  const corrected = specOf('demo', { alpha: 1, beta: 1 });

  test('gives a running build a new plan and a new epoch in the same row, once', async () => {
    const scope = await planned();
    const changed = await run('build').changePlan({ scope, spec: corrected });
    expect(changed).toEqual({ ...scope, operation: { ...scope.operation, epoch: 2 } });
    expect(await run('build').changePlan({ scope, spec: corrected })).toEqual(changed);
    expect(await statesOf()).toMatchObject({ 'compute-beta-1': 'leaving' });
    const [build, ...others] = await listBuilds(db, 'demo');
    expect(others).toEqual([]);
    expect(build).toMatchObject({ id: scope.buildId, epoch: 2, spec: corrected });
    const { operation } = scope;
    const stale = run('build').recordVmStates({ operation, states: {} });
    expect(await failureOf(stale)).toMatchObject({ kind: 'StaleEpoch' });
  });

  test('can be looked at first, and a person sees the reason where it is impossible', async () => {
    await built();
    const before = await snapshot();
    const change = await run('b').previewChange({ cluster: 'demo', spec: corrected });
    expect(change).toEqual({
      spec: ['sites.beta.computes: 2 → 1'],
      added: [],
      changed: [],
      removed: ['compute-beta-1'],
    });
    const impossible = { ...spec, frontend: { ...spec.frontend, diskGiB: 9 } };
    const refused = run('b').previewChange({ cluster: 'demo', spec: impossible });
    expect(await failureOf(refused)).toMatchObject({
      kind: 'Conflict',
      message: expect.stringContaining('frontend.diskGiB: 4 → 9'),
    });
    expect(await snapshot()).toEqual(before);
  });

  test('with another size marks VMs that were made, and only those', async () => {
    await built();
    const scope = await run('s').beginOperation({
      cluster: 'demo',
      kind: 'scale',
      sites: { gamma: 1 },
    });
    const larger = specOf('demo', { alpha: 1, beta: 2, gamma: 1 });
    larger.compute.memoryMiB = 1024;
    const { operation } = await run('s').changePlan({ scope, spec: larger });
    const share = await run('s').siteShare({ operation, site: 'beta' });
    expect(share.changed).toEqual(['compute-beta-0', 'compute-beta-1']);
    expect(share.vms.map((vm) => vm.memoryMiB)).toEqual([1024, 1024]);
    const states = { 'compute-beta-0': 'reserved' };
    await run('s').recordVmStates({ operation, states });
    expect((await run('s').siteShare({ operation, site: 'beta' })).changed).toEqual([
      'compute-beta-1',
    ]);
  });

  test('is not for a destroy', async () => {
    await built();
    const scope = await run('d').beginDestroy({ cluster: 'demo' });
    if (!scope) throw new Error('there is no cluster');
    const refused = run('d').changePlan({ scope, spec: corrected });
    expect(await failureOf(refused)).toMatchObject({ kind: 'Conflict' });
  });
});

describe('the plan of a cluster that is there', () => {
  test('is empty if nothing would change', async () => {
    await built();
    const { plan, change } = await run('p').previewPlan({ spec });
    expect(change).toEqual({ spec: [], added: [], changed: [], removed: [] });
    const vms = (await listVms(db, 'demo')).map(({ state: _state, ...vm }) => vm);
    expect(plan.vms).toEqual(vms);
  });

  test('of a new one has no change', async () => {
    expect(await run('p').previewPlan({ spec })).not.toHaveProperty('change');
  });
});

describe('stop and start', () => {
  test('of all: off, and back', async () => {
    await built();
    const stop = await run('stop').beginOperation({ cluster: 'demo', kind: 'stop' });
    const { operation } = stop;
    await run('stop').recordVmStates({ operation, states: { frontend: 'ready' } });
    expect(new Set(Object.values(await statesOf()))).toEqual(new Set(['stopped']));
    const share = await run('stop').siteShare({ operation, site: 'beta' });
    expect(share.vms).toEqual([]);
    expect(share.stopped).toHaveLength(2);
    expect(share.table.edges.length).toBeGreaterThanOrEqual(2);
    const end = { phase: 'stopped', message: '4 VMs are off' } as const;
    await run('stop').finishChange({ scope: stop, steps: [], ...end });
    expect(await findCluster(db, 'demo')).toMatchObject({
      phase: 'stopped',
      conditions: [{ type: 'Ready', status: false, reason: 'Stopped' }],
    });
    for (const kind of ['scale', 'repair'] as const) {
      const request = { cluster: 'demo', kind, sites: { beta: 1 } };
      expect(await failureOf(run(kind).beginOperation(request))).toMatchObject({
        kind: 'Conflict',
        help: expect.stringContaining('mvc start demo'),
      });
    }
    const start = await run('start').beginOperation({ cluster: 'demo', kind: 'start' });
    expect(new Set(Object.values(await statesOf()))).toEqual(new Set(['reserved']));
    const ready = { phase: 'ready', message: 'all nodes are back' } as const;
    await run('start').finishChange({ scope: start, steps: [], ...ready });
    await run('start').finishChange({ scope: start, steps: [], ...ready });
    expect(new Set(Object.values(await statesOf()))).toEqual(new Set(['ready']));
    expect(await findCluster(db, 'demo')).toMatchObject({ phase: 'ready' });
  });

  test('of one VM leave the others, and a ready cluster has it off', async () => {
    await built();
    const vm = 'compute-beta-1';
    const scope = await run('stop').beginOperation({ cluster: 'demo', kind: 'stop', vm });
    const end = { phase: 'ready', message: `${vm} is off` } as const;
    await run('stop').finishChange({ scope, steps: [], ...end });
    expect(await statesOf()).toEqual({
      frontend: 'ready',
      'compute-alpha-0': 'ready',
      'compute-beta-0': 'ready',
      'compute-beta-1': 'stopped',
    });
    const { operation } = await run('repair').beginOperation({ cluster: 'demo', kind: 'repair' });
    const frontend = await run('repair').frontendShare({ operation });
    expect(frontend.leaving).toEqual([vm]);
    await run('start').beginOperation({ cluster: 'demo', kind: 'start', vm });
    expect((await statesOf())[vm]).toBe('reserved');
  });
});

describe('conditions', () => {
  const parked: ParkedStep = {
    step: 'reserve',
    site: 'beta',
    kind: 'NoCapacity',
    cause: 'it is full',
    help: 'make room',
    since: 1,
    skippable: false,
  };
  const finding = {
    site: 'beta',
    kind: 'vm',
    name: 'compute-beta-0',
    message: 'VM compute-beta-0 at site beta is gone',
  } as const;

  test('say what waits for a person, as long as it waits', async () => {
    const { operation } = await planned();
    await run('build').recordAttention({ operation, parked: [parked] });
    await run('build').recordAttention({ operation, parked: [parked] });
    const [ready, attention, ...others] = (await findCluster(db, 'demo'))?.conditions ?? [];
    expect(others).toEqual([]);
    expect(ready).toMatchObject({ type: 'Ready', reason: 'Building' });
    expect(attention).toEqual({
      type: 'Attention',
      status: true,
      reason: 'Parked',
      message: 'step reserve at site beta is parked: it is full; make room',
    });
    await run('build').recordAttention({ operation, parked: [] });
    expect((await findCluster(db, 'demo'))?.conditions).toHaveLength(1);
  });

  test('say what was found amiss until the cluster is ready again', async () => {
    const scope = await built();
    const { clusterId } = scope.operation.mark;
    const drift = { cluster: 'demo', clusterId };
    await run('w').recordDrift({ ...drift, findings: [finding] });
    expect((await findCluster(db, 'demo'))?.conditions).toMatchObject([
      { type: 'Ready', status: true },
      { type: 'Drift', status: true, message: finding.message },
    ]);
    const repair = await run('r').beginOperation({ cluster: 'demo', kind: 'repair' });
    expect((await findCluster(db, 'demo'))?.conditions.map((each) => each.type)).toEqual([
      'Ready',
      'Drift',
    ]);
    const end = { phase: 'ready', message: 'mended' } as const;
    await run('r').finishChange({ scope: repair, steps: [], ...end });
    expect((await findCluster(db, 'demo'))?.conditions.map((each) => each.type)).toEqual(['Ready']);
  });

  test('about drift are not written twice, nor on another cluster, nor while one works', async () => {
    const scope = await built();
    const { clusterId } = scope.operation.mark;
    await run('w').recordDrift({ cluster: 'demo', clusterId: '0'.repeat(12), findings: [finding] });
    expect((await findCluster(db, 'demo'))?.conditions).toHaveLength(1);
    const { rows } = await writesOf(() =>
      run('w').recordDrift({ cluster: 'demo', clusterId, findings: [] }),
    );
    expect(rows).toBe(0);
    await run('r').beginOperation({ cluster: 'demo', kind: 'repair' });
    await run('w').recordDrift({ cluster: 'demo', clusterId, findings: [finding] });
    expect((await findCluster(db, 'demo'))?.conditions).toHaveLength(1);
  });

  /** Counts versions of the cluster's row that were written meanwhile. */
  async function writesOf(body: () => Promise<void>): Promise<{ rows: number }> {
    const version = async () => {
      const { rows } = await sql<{ xmin: string }>`SELECT xmin FROM cluster`.execute(db);
      return rows[0]?.xmin;
    };
    const before = await version();
    await body();
    return { rows: (await version()) === before ? 0 : 1 };
  }

  test('of a change that failed let the build go on', async () => {
    await built();
    const scope = await run('s').beginOperation({
      cluster: 'demo',
      kind: 'scale',
      sites: { beta: 3 },
    });
    const { operation } = scope;
    await run('s').recordAttention({ operation, parked: [parked] });
    const end = { outcome: 'cancelled', error: 'stop', abandoned: false } as const;
    await run('s').closeBuild({ scope, steps: [], ...end });
    await run('s').closeBuild({ scope, steps: [], ...end });
    expect(await findCluster(db, 'demo')).toMatchObject({
      phase: 'cancelled',
      conditions: [{ type: 'Ready', status: false, reason: 'Cancelled', message: 'stop' }],
    });
    const now = specOf('demo', { alpha: 1, beta: 3 });
    expect(await run('b').takeUp({ spec: now })).toMatchObject({ state: 'unfinished' });
    expect(await run('b').recordPlan({ spec: now })).toMatchObject({ fresh: false });
  });
});

describe('the list for looking after the sites', () => {
  test('has each cluster with its sites, those too that it is leaving', async () => {
    const scope = await built();
    await run('s').beginOperation({ cluster: 'demo', kind: 'scale', sites: { beta: 0 } });
    expect(await run('l').listClusters()).toEqual({
      installation,
      clusters: [
        {
          name: 'demo',
          id: scope.operation.mark.clusterId,
          epoch: 2,
          phase: 'changing',
          sites: ['alpha', 'beta'],
        },
      ],
    });
  });

  test('an epoch is raised above what a site has seen, once', async () => {
    const scope = await built();
    const { clusterId } = scope.operation.mark;
    const seen = { cluster: 'demo', clusterId, atLeast: 7 };
    expect(await run('l').raiseEpoch(seen)).toBe(8);
    expect(await run('l').raiseEpoch(seen)).toBe(8);
    expect(await run('l').raiseEpoch({ ...seen, atLeast: 3 })).toBe(8);
    expect((await run('l').watchedCluster({ cluster: 'demo' }))?.scope.operation.epoch).toBe(8);
    const next = await run('r').beginOperation({ cluster: 'demo', kind: 'repair' });
    expect(next.operation.epoch).toBe(9);
    const other = run('l').raiseEpoch({ ...seen, clusterId: '0'.repeat(12) });
    expect(await failureOf(other)).toMatchObject({ kind: 'NotFound' });
  });
});
