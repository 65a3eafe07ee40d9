import { sql, type Selectable } from 'kysely';
import {
  clusterSpecSchema,
  type ClusterSpec,
  type OperationKind,
  type StepRecord,
} from '../domain/cluster.ts';
import { Failure } from '../domain/failure.ts';
import {
  clusterNotFound,
  findCluster,
  lockCluster,
  raiseEpoch,
  type ClusterRecord,
} from './clusters.ts';
import type { Database } from './database.ts';
import { toJson, withoutNul } from './json.ts';
import type { Schema } from './schema.ts';
import { inTransaction } from './transaction.ts';

export type BuildOutcome = 'succeeded' | 'failed' | 'cancelled';

/** An operation on a cluster as it went; outlives the cluster. Times in milliseconds since 1970. */
export interface BuildRecord {
  id: string;
  cluster: string;
  clusterId: string;
  kind: OperationKind;
  /** Of the workflow. */
  runId: string;
  epoch: number;
  spec: ClusterSpec;
  steps: StepRecord[];
  startedAt: number;
  finishedAt?: number;
  outcome?: BuildOutcome;
  error?: string;
  /** As whoever started it has said; absent if nothing was said. */
  askedBy?: string;
}

/** What an operation records besides its row, in the same transaction. */
export interface Intent {
  /** Before the epoch is raised; what it throws leaves everything as it was. */
  before?: (tx: Database, cluster: ClusterRecord) => Promise<void>;
  /** With the operation's epoch. */
  after?: (tx: Database, build: BuildRecord) => Promise<void>;
}

/**
 * Begins an operation: raises the cluster's epoch and records the build under it with its intent, in
 * one transaction. Safe to repeat: a run that is recorded already gets the same record and epoch, and
 * its intent is not recorded again.
 *
 * @throws {Failure} NotFound if there is no such cluster, and what `intent` throws.
 */
export async function startBuild(
  db: Database,
  start: { cluster: string; kind: OperationKind; runId: string; askedBy?: string },
  intent: Intent = {},
): Promise<BuildRecord> {
  return inTransaction(db, async (tx) => {
    // Attempts of one run pass one after the other.
    await sql`SELECT pg_advisory_xact_lock(hashtextextended(${`build ${start.runId}`}, 0))`.execute(
      tx,
    );
    const started = await findRun(tx, start.runId);
    if (started) return started;
    await intent.before?.(tx, await lockCluster(tx, start.cluster));
    const epoch = await raiseEpoch(tx, start.cluster);
    const cluster = await findCluster(tx, start.cluster);
    if (!cluster) throw clusterNotFound(start.cluster);
    const row = await tx
      .insertInto('build')
      .values({
        cluster: cluster.name,
        cluster_id: cluster.id,
        kind: start.kind,
        run_id: start.runId,
        epoch,
        spec: toJson(cluster.spec),
        ...(start.askedBy === undefined ? {} : { asked_by: withoutNul(start.askedBy) }),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    const build = buildOf(row);
    await intent.after?.(tx, build);
    return build;
  });
}

/**
 * Gives a running operation another epoch and the spec that is recorded by now. The cluster's row
 * must be locked.
 *
 * @throws {Failure} NotFound.
 */
export async function renewBuild(tx: Database, build: BuildRecord): Promise<BuildRecord> {
  const epoch = await raiseEpoch(tx, build.cluster);
  const cluster = await findCluster(tx, build.cluster);
  if (!cluster) throw clusterNotFound(build.cluster);
  const row = await tx
    .updateTable('build')
    .set({ epoch, spec: toJson(cluster.spec) })
    .where('id', '=', build.id)
    .returningAll()
    .executeTakeFirst();
  if (!row) throw buildNotFound(build.id);
  return buildOf(row);
}

/** @throws {Failure} NotFound. */
export async function findBuild(db: Database, id: string): Promise<BuildRecord> {
  const row = await db.selectFrom('build').selectAll().where('id', '=', id).executeTakeFirst();
  if (!row) throw buildNotFound(id);
  return buildOf(row);
}

async function findRun(db: Database, runId: string): Promise<BuildRecord | undefined> {
  const row = await db
    .selectFrom('build')
    .selectAll()
    .where('run_id', '=', runId)
    .executeTakeFirst();
  return row && buildOf(row);
}

/** Safe to repeat: the first end stays. @throws {Failure} NotFound. */
export async function finishBuild(
  db: Database,
  id: string,
  end: { outcome: BuildOutcome; error?: string; steps?: StepRecord[] },
): Promise<void> {
  const result = await db
    .updateTable('build')
    .set({
      finished_at: sql<Date>`coalesce(finished_at, now())`,
      outcome: sql<BuildOutcome>`coalesce(outcome, ${end.outcome})`,
      error: sql<
        string | null
      >`CASE WHEN outcome IS NULL THEN ${end.error === undefined ? null : withoutNul(end.error)} ELSE error END`,
      ...(end.steps === undefined ? {} : { steps: toJson(end.steps) }),
    })
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (result.numUpdatedRows === 0n) throw buildNotFound(id);
}

/** Operations on clusters of this name, the newest first; also of clusters that are gone. */
export async function listBuilds(
  db: Database,
  cluster: string,
  limit = 100,
): Promise<BuildRecord[]> {
  const rows = await db
    .selectFrom('build')
    .selectAll()
    .where('cluster', '=', cluster)
    .orderBy('started_at', 'desc')
    .orderBy('epoch', 'desc')
    .limit(limit)
    .execute();
  return rows.map(buildOf);
}

/** Operations on all clusters, the newest first; also of clusters that are gone. */
export async function listRecentBuilds(db: Database, limit = 200): Promise<BuildRecord[]> {
  const rows = await db
    .selectFrom('build')
    .selectAll()
    .orderBy('started_at', 'desc')
    .limit(limit)
    .execute();
  return rows.map(buildOf);
}

function buildNotFound(id: string): Failure {
  return new Failure('NotFound', `there is no build ${id} in the history`);
}

function buildOf(row: Selectable<Schema['build']>): BuildRecord {
  return {
    id: row.id,
    cluster: row.cluster,
    clusterId: row.cluster_id,
    kind: row.kind,
    runId: row.run_id,
    epoch: row.epoch,
    spec: clusterSpecSchema.parse(row.spec),
    // Only the functions above write it.
    steps: row.steps as StepRecord[],
    startedAt: row.started_at.getTime(),
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at.getTime() }),
    ...(row.outcome === null ? {} : { outcome: row.outcome }),
    ...(row.error === null ? {} : { error: row.error }),
    ...(row.asked_by ? { askedBy: row.asked_by } : {}),
  };
}
