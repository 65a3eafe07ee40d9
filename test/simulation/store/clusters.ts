import type {
  ClusterPhase,
  ClusterSpec,
  Condition,
  VerifyReport,
} from '../../../src/domain/cluster.ts';
import { Failure } from '../../../src/domain/failure.ts';
import type { Operation } from '../../../src/domain/mark.ts';
import type { ClusterKey, ClusterRecord, NewCluster } from '../../../src/store/clusters.ts';
import type { Database } from '../../../src/store/database.ts';
import { call, transaction, withoutRow, withRow, type Tables } from './tables.ts';

export async function insertCluster(db: Database, cluster: NewCluster): Promise<void> {
  const { id, installation, spec, network, mtu } = cluster;
  const { name } = spec;
  await call(db, 'insertCluster', (tables) => {
    if (tables.clusters.has(name)) throw new Failure('Conflict', `cluster ${name} is recorded`);
    tables.clusters = withRow(tables.clusters, name, {
      name,
      id,
      installation,
      spec,
      phase: 'building',
      conditions: [],
      epoch: 0,
      network,
      mtu,
      createdAt: Date.now(),
    });
    const sites = Object.fromEntries(spec.sites.map((site) => [site.name, site.computes]));
    tables.clusterSites = withRow(tables.clusterSites, name, sites);
  });
}

export async function findCluster(db: Database, name: string): Promise<ClusterRecord | undefined> {
  return call(db, 'findCluster', (tables) => tables.clusters.get(name));
}

export async function lockCluster(db: Database, name: string): Promise<ClusterRecord> {
  return call(db, 'lockCluster', (tables) => existing(tables, name));
}

export async function fenced<T>(
  db: Database,
  operation: Operation,
  body: (tx: Database, cluster: ClusterRecord) => Promise<T>,
): Promise<T> {
  const { mark, epoch } = operation;
  return transaction(db, 'fenced', async (tx) => {
    const cluster = await lockCluster(tx, mark.cluster);
    if (cluster.id !== mark.clusterId) throw clusterReplaced(operation);
    if (cluster.epoch > epoch) throw staleEpoch(cluster, epoch);
    return body(tx, cluster);
  });
}

export function clusterReplaced({ mark }: Operation): Failure {
  return new Failure(
    'NotFound',
    `cluster ${mark.cluster} (${mark.clusterId}) is no longer recorded`,
  );
}

export async function listClusters(db: Database): Promise<ClusterRecord[]> {
  return call(db, 'listClusters', (tables) =>
    [...tables.clusters.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
}

export async function raiseEpoch(db: Database, name: string): Promise<number> {
  return call(db, 'raiseEpoch', (tables) => {
    const { epoch } = existing(tables, name);
    change(tables, name, { epoch: epoch + 1 });
    return epoch + 1;
  });
}

export async function raiseEpochAbove(
  db: Database,
  { name, id }: ClusterKey,
  atLeast: number,
): Promise<number> {
  return call(db, 'raiseEpochAbove', (tables) => {
    const cluster = existing(tables, name);
    if (cluster.id !== id) throw clusterNotFound(name);
    const epoch = Math.max(cluster.epoch, atLeast + 1);
    change(tables, name, { epoch });
    return epoch;
  });
}

export async function setSpec(db: Database, name: string, spec: ClusterSpec): Promise<void> {
  await update(db, name, { spec });
}

export async function setConditions(
  db: Database,
  name: string,
  conditions: Condition[],
): Promise<void> {
  await update(db, name, { conditions });
}

export async function setPhase(
  db: Database,
  name: string,
  phase: ClusterPhase,
  conditions: Condition[],
  epoch?: number,
): Promise<void> {
  const ready = phase === 'ready' ? { readyAt: Date.now() } : {};
  await update(db, name, { phase, conditions, ...ready }, epoch);
}

export async function setImage(
  db: Database,
  name: string,
  image: { digest: string; size: number },
  epoch?: number,
): Promise<void> {
  const { digest, size } = image;
  await update(db, name, { image: { digest, size } }, epoch);
}

export async function setVerifyReport(
  db: Database,
  name: string,
  verify: VerifyReport,
  epoch?: number,
): Promise<void> {
  await update(db, name, { verify }, epoch);
}

export async function deleteCluster(db: Database, { name, id }: ClusterKey): Promise<boolean> {
  return call(db, 'deleteCluster', (tables) => {
    if (tables.clusters.get(name)?.id !== id) return false;
    tables.clusters = withoutRow(tables.clusters, name);
    tables.clusterSites = withoutRow(tables.clusterSites, name);
    tables.vms = withoutRow(tables.vms, name);
    tables.overlays = withoutRow(tables.overlays, name);
    tables.edges = withoutRow(tables.edges, name);
    const kept = [...tables.secrets].filter(([key]) => !key.startsWith(`cluster/${name}/`));
    tables.secrets = new Map(kept);
    return true;
  });
}

export function clusterNotFound(name: string): Failure {
  return new Failure('NotFound', `there is no cluster ${name}`, {
    help: '`mvc list` shows the clusters',
  });
}

async function update(
  db: Database,
  name: string,
  changes: Partial<ClusterRecord>,
  epoch?: number,
): Promise<void> {
  await call(db, `update ${Object.keys(changes)[0]}`, (tables) => {
    const cluster = existing(tables, name);
    if (epoch !== undefined && cluster.epoch > epoch) throw staleEpoch(cluster, epoch);
    change(tables, name, changes);
  });
}

function existing(tables: Tables, name: string): ClusterRecord {
  const cluster = tables.clusters.get(name);
  if (!cluster) throw clusterNotFound(name);
  return cluster;
}

function change(tables: Tables, name: string, changes: Partial<ClusterRecord>): void {
  tables.clusters = withRow(tables.clusters, name, { ...existing(tables, name), ...changes });
}

export function staleEpoch(cluster: ClusterRecord, epoch: number): Failure {
  return new Failure(
    'StaleEpoch',
    `operation ${epoch} of cluster ${cluster.name} must stop: operation ${cluster.epoch} has begun`,
  );
}
