import { sql, type Selectable, type Updateable } from 'kysely';
import {
  clusterSpecSchema,
  verifyReportSchema,
  type ClusterPhase,
  type ClusterSpec,
  type Condition,
  type VerifyReport,
} from '../domain/cluster.ts';
import { Failure } from '../domain/failure.ts';
import type { Operation } from '../domain/mark.ts';
import type { Database } from './database.ts';
import { toJson } from './json.ts';
import type { Schema } from './schema.ts';
import { inTransaction } from './transaction.ts';

/** A cluster as recorded. Times in milliseconds since 1970, sizes in bytes. */
export interface ClusterRecord {
  name: string;
  id: string;
  installation: string;
  spec: ClusterSpec;
  phase: ClusterPhase;
  conditions: Condition[];
  /** Of the last operation; 0 before the first. */
  epoch: number;
  /** CIDR. */
  network: string;
  mtu: number;
  createdAt: number;
  /** When it was proved ready for the last time. */
  readyAt?: number;
  image?: { digest: string; size: number };
  verify?: VerifyReport;
}

/** A cluster to be recorded. */
export interface NewCluster {
  id: string;
  installation: string;
  spec: ClusterSpec;
  network: string;
  mtu: number;
}

/** Which cluster is meant: the name alone might be that of a later one. */
export interface ClusterKey {
  name: string;
  id: string;
}

/** Inserts the cluster with its sites; part of `recordPlan`, which explains violations. */
export async function insertCluster(db: Database, cluster: NewCluster): Promise<void> {
  const { id, installation, spec, network, mtu } = cluster;
  await db
    .insertInto('cluster')
    .values({ name: spec.name, id, installation, spec: toJson(spec), network, mtu })
    .execute();
  await db
    .insertInto('cluster_site')
    .values(
      spec.sites.map((site) => ({ cluster: spec.name, site: site.name, computes: site.computes })),
    )
    .execute();
}

export async function findCluster(db: Database, name: string): Promise<ClusterRecord | undefined> {
  const row = await db
    .selectFrom('cluster')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirst();
  return row && clusterOf(row);
}

/**
 * Reads a cluster and keeps others from writing it until the transaction ends.
 *
 * @throws {Failure} NotFound.
 */
export async function lockCluster(tx: Database, name: string): Promise<ClusterRecord> {
  const row = await tx
    .selectFrom('cluster')
    .selectAll()
    .where('name', '=', name)
    .forUpdate()
    .executeTakeFirst();
  if (!row) throw clusterNotFound(name);
  return clusterOf(row);
}

/**
 * Runs a write of an operation: nobody else writes the cluster meanwhile, and nothing is written for
 * an operation that a later one has replaced.
 *
 * @throws {Failure} NotFound if the cluster is gone, or another one has its name; StaleEpoch if a
 *   later operation has begun; what `body` throws.
 */
export async function fenced<T>(
  db: Database,
  operation: Operation,
  body: (tx: Database, cluster: ClusterRecord) => Promise<T>,
): Promise<T> {
  const { mark, epoch } = operation;
  return inTransaction(db, async (tx) => {
    const cluster = await lockCluster(tx, mark.cluster);
    if (cluster.id !== mark.clusterId) throw clusterReplaced(operation);
    if (cluster.epoch > epoch) throw staleEpoch(cluster, epoch);
    return body(tx, cluster);
  });
}

/** The cluster that the operation was about was destroyed, and its name perhaps given anew. */
export function clusterReplaced({ mark }: Operation): Failure {
  return new Failure(
    'NotFound',
    `cluster ${mark.cluster} (${mark.clusterId}) is no longer recorded`,
  );
}

/** All clusters, by name. */
export async function listClusters(db: Database): Promise<ClusterRecord[]> {
  const rows = await db.selectFrom('cluster').selectAll().orderBy('name').execute();
  return rows.map(clusterOf);
}

/**
 * Begins another operation: hosts refuse all earlier ones from the moment they hear of it.
 *
 * @returns the new epoch.
 * @throws {Failure} NotFound.
 */
export async function raiseEpoch(db: Database, name: string): Promise<number> {
  const row = await db
    .updateTable('cluster')
    .set({ epoch: sql<number>`epoch + 1` })
    .where('name', '=', name)
    .returning('epoch')
    .executeTakeFirst();
  if (!row) throw clusterNotFound(name);
  return row.epoch;
}

/**
 * Raises a cluster's epoch above what its sites have seen, which is higher than the recorded one
 * after an older state of the database was restored. Safe to repeat.
 *
 * @returns the epoch by now, higher than `atLeast`.
 * @throws {Failure} NotFound.
 */
export async function raiseEpochAbove(
  db: Database,
  { name, id }: ClusterKey,
  atLeast: number,
): Promise<number> {
  const row = await db
    .updateTable('cluster')
    .set({ epoch: sql<number>`greatest(epoch, ${atLeast}::integer + 1)` })
    .where('name', '=', name)
    .where('id', '=', id)
    .returning('epoch')
    .executeTakeFirst();
  if (!row) throw clusterNotFound(name);
  return row.epoch;
}

/** @throws {Failure} NotFound. */
export async function setSpec(db: Database, name: string, spec: ClusterSpec): Promise<void> {
  await update(db, name, { spec: toJson(spec) });
}

/** @throws {Failure} NotFound. */
export async function setConditions(
  db: Database,
  name: string,
  conditions: Condition[],
): Promise<void> {
  await update(db, name, { conditions: toJson(conditions) });
}

/**
 * @param epoch of the operation that says so, if it is one.
 * @throws {Failure} NotFound; StaleEpoch if a later operation has begun.
 */
export async function setPhase(
  db: Database,
  name: string,
  phase: ClusterPhase,
  conditions: Condition[],
  epoch?: number,
): Promise<void> {
  const ready = phase === 'ready' ? { ready_at: sql<Date>`now()` } : {};
  await update(db, name, { phase, conditions: toJson(conditions), ...ready }, epoch);
}

/** @throws {Failure} NotFound; StaleEpoch if a later operation has begun. */
export async function setImage(
  db: Database,
  name: string,
  image: { digest: string; size: number },
  epoch?: number,
): Promise<void> {
  await update(db, name, { image_digest: image.digest, image_size: image.size }, epoch);
}

/** @throws {Failure} NotFound; StaleEpoch if a later operation has begun. */
export async function setVerifyReport(
  db: Database,
  name: string,
  report: VerifyReport,
  epoch?: number,
): Promise<void> {
  await update(db, name, { verify: toJson(report) }, epoch);
}

type Change = { [K in keyof Updateable<Schema['cluster']>]?: unknown };

async function update(db: Database, name: string, change: Change, epoch?: number): Promise<void> {
  let query = db
    .updateTable('cluster')
    .set(change as Updateable<Schema['cluster']>)
    .where('name', '=', name);
  if (epoch !== undefined) query = query.where('epoch', '<=', epoch);
  const { numUpdatedRows } = await query.executeTakeFirstOrThrow();
  if (numUpdatedRows > 0n) return;
  const found = await findCluster(db, name);
  if (!found) throw clusterNotFound(name);
  throw staleEpoch(found, epoch ?? 0);
}

/** A later operation on the cluster has begun. */
export function staleEpoch(cluster: ClusterRecord, epoch: number): Failure {
  return new Failure(
    'StaleEpoch',
    `operation ${epoch} of cluster ${cluster.name} must stop: operation ${cluster.epoch} has begun`,
  );
}

/**
 * Deletes a cluster with its VMs, edges, ports, addresses and secrets; its builds stay. Safe to
 * repeat. From then on the name can be used again.
 *
 * @returns false if there was none with this name and id.
 */
export async function deleteCluster(db: Database, { name, id }: ClusterKey): Promise<boolean> {
  const result = await db
    .deleteFrom('cluster')
    .where('name', '=', name)
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return result.numDeletedRows > 0n;
}

export function clusterNotFound(name: string): Failure {
  return new Failure('NotFound', `there is no cluster ${name}`, {
    help: '`mvc list` shows the clusters',
  });
}

function clusterOf(row: Selectable<Schema['cluster']>): ClusterRecord {
  return {
    name: row.name,
    id: row.id,
    installation: row.installation,
    spec: clusterSpecSchema.parse(row.spec),
    phase: row.phase,
    // Only setPhase writes it.
    conditions: row.conditions as Condition[],
    epoch: row.epoch,
    network: row.network,
    mtu: row.mtu,
    createdAt: row.created_at.getTime(),
    ...(row.ready_at === null ? {} : { readyAt: row.ready_at.getTime() }),
    ...(row.image_digest === null
      ? {}
      : { image: { digest: row.image_digest, size: Number(row.image_size) } }),
    ...(row.verify === null ? {} : { verify: verifyReportSchema.parse(row.verify) }),
  };
}
