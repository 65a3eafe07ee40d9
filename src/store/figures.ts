import { sql } from 'kysely';
import type { ClusterPhase, Condition, OperationKind } from '../domain/cluster.ts';
import type { BuildOutcome } from './builds.ts';
import type { Database } from './database.ts';

/** How many operations and clusters there are, of each sort. */
export interface OperationFigures {
  ended: { kind: OperationKind; outcome: BuildOutcome; count: number }[];
  running: { kind: OperationKind; count: number }[];
  clusters: { phase: ClusterPhase; count: number }[];
  /** Clusters of which a step waits for a person, or for its next try. */
  parked: number;
  /** Clusters of which a look has found something amiss. */
  drifted: number;
}

export async function countOperations(db: Database): Promise<OperationFigures> {
  const [builds, clusters, parked, drifted] = await Promise.all([
    db
      .selectFrom('build')
      .select(['kind', 'outcome', sql<number>`count(*)::int`.as('count')])
      .groupBy(['kind', 'outcome'])
      .execute(),
    db
      .selectFrom('cluster')
      .select(['phase', sql<number>`count(*)::int`.as('count')])
      .groupBy('phase')
      .execute(),
    countWith(db, 'Attention'),
    countWith(db, 'Drift'),
  ]);
  return {
    ended: builds.flatMap(({ kind, outcome, count }) =>
      outcome === null ? [] : [{ kind, outcome, count }],
    ),
    running: builds.flatMap(({ kind, outcome, count }) =>
      outcome === null ? [{ kind, count }] : [],
    ),
    clusters,
    parked,
    drifted,
  };
}

async function countWith(db: Database, type: Condition['type']): Promise<number> {
  const wanted = JSON.stringify([{ type, status: true }]);
  const { count } = await db
    .selectFrom('cluster')
    .select(sql<number>`count(*)::int`.as('count'))
    .where(sql<boolean>`conditions @> ${wanted}::jsonb`)
    .executeTakeFirstOrThrow();
  return count;
}
