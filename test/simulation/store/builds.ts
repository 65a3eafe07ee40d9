import type { OperationKind, StepRecord } from '../../../src/domain/cluster.ts';
import { Failure } from '../../../src/domain/failure.ts';
import type { BuildOutcome, BuildRecord, Intent } from '../../../src/store/builds.ts';
import type { Database } from '../../../src/store/database.ts';
import { findCluster, clusterNotFound, lockCluster, raiseEpoch } from './clusters.ts';
import { call, freeze, transaction, type Tables } from './tables.ts';

export async function startBuild(
  db: Database,
  start: { cluster: string; kind: OperationKind; runId: string; askedBy?: string },
  intent: Intent = {},
): Promise<BuildRecord> {
  return transaction(db, 'startBuild', async (tx) => {
    const started = await call(tx, 'findRun', ({ builds }) =>
      builds.find((build) => build.runId === start.runId),
    );
    if (started) return started;
    await intent.before?.(tx, await lockCluster(tx, start.cluster));
    const epoch = await raiseEpoch(tx, start.cluster);
    const cluster = await findCluster(tx, start.cluster);
    if (!cluster) throw clusterNotFound(start.cluster);
    const build = await call(tx, 'insertBuild', (tables) => {
      const row: BuildRecord = {
        id: String(tables.builds.length + 1),
        cluster: cluster.name,
        clusterId: cluster.id,
        kind: start.kind,
        runId: start.runId,
        epoch,
        spec: cluster.spec,
        steps: [],
        startedAt: Date.now(),
        ...(start.askedBy === undefined ? {} : { askedBy: start.askedBy }),
      };
      tables.builds = [...tables.builds, freeze(row)];
      return row;
    });
    await intent.after?.(tx, build);
    return build;
  });
}

export async function renewBuild(db: Database, build: BuildRecord): Promise<BuildRecord> {
  const epoch = await raiseEpoch(db, build.cluster);
  const cluster = await findCluster(db, build.cluster);
  if (!cluster) throw clusterNotFound(build.cluster);
  return call(db, 'renewBuild', (tables) =>
    change(tables, build.id, (row) => ({ ...row, epoch, spec: cluster.spec })),
  );
}

export async function findBuild(db: Database, id: string): Promise<BuildRecord> {
  return call(db, 'findBuild', (tables) => existing(tables, id));
}

export async function finishBuild(
  db: Database,
  id: string,
  end: { outcome: BuildOutcome; error?: string; steps?: StepRecord[] },
): Promise<void> {
  await call(db, 'finishBuild', (tables) => {
    change(tables, id, (row) => ({
      ...row,
      ...(row.outcome === undefined && end.error !== undefined ? { error: end.error } : {}),
      ...(end.steps ? { steps: end.steps } : {}),
      outcome: row.outcome ?? end.outcome,
      finishedAt: row.finishedAt ?? Date.now(),
    }));
  });
}

export async function listBuilds(
  db: Database,
  cluster: string,
  limit = 100,
): Promise<BuildRecord[]> {
  return call(db, 'listBuilds', (tables) =>
    tables.builds
      .filter((build) => build.cluster === cluster)
      .toSorted((a, b) => b.startedAt - a.startedAt || b.epoch - a.epoch)
      .slice(0, limit),
  );
}

export async function listRecentBuilds(db: Database, limit = 200): Promise<BuildRecord[]> {
  return call(db, 'listRecentBuilds', (tables) =>
    tables.builds.toSorted((a, b) => b.startedAt - a.startedAt).slice(0, limit),
  );
}

function existing(tables: Tables, id: string): BuildRecord {
  const build = tables.builds.find((each) => each.id === id);
  if (build) return build;
  throw new Failure('NotFound', `there is no build ${id} in the history`);
}

function change(
  tables: Tables,
  id: string,
  action: (row: BuildRecord) => BuildRecord,
): BuildRecord {
  const changed = freeze(action(existing(tables, id)));
  tables.builds = tables.builds.map((each) => (each.id === id ? changed : each));
  return changed;
}
