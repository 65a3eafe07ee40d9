import type { ClusterSpec } from '../domain/cluster.ts';
import { estimateOperation, type Estimate } from '../domain/estimate.ts';
import { estimateTypical } from '../domain/estimate-typical.ts';
import { pastOperations, recordedShape, shapeOf } from '../domain/past-operations.ts';
import { knownLines } from '../domain/site-line.ts';
import { listRecentBuilds } from './builds.ts';
import type { Database } from './database.ts';

/**
 * How long a running operation should take, by what was recorded of others. `estimateLeft` then says
 * what is left of it.
 *
 * @param runId of its workflow.
 * @returns undefined if nothing like it was recorded, or it is not recorded yet: a build's row is
 *     written after its sites have answered, so that it is worth asking again then.
 */
export async function estimateOfRunning(
  db: Database,
  runId: string,
): Promise<Estimate | undefined> {
  const rows = await listRecentBuilds(db);
  const index = rows.findIndex((row) => row.runId === runId);
  const row = rows[index];
  if (!row) return undefined;
  const earlier = rows.slice(index + 1);
  const shape = recordedShape(row, earlier);
  return shape && estimateOperation(pastOperations(earlier), shape);
}

/** How long it should take to build a cluster, or to change one to another spec. */
export async function estimateOfSpec(
  db: Database,
  spec: ClusterSpec,
  before?: ClusterSpec,
): Promise<Estimate | undefined> {
  const rows = await listRecentBuilds(db);
  const shape = shapeOf(before ? 'scale' : 'build', spec, before);
  if (!shape) return undefined;
  const past = pastOperations(rows);
  return estimateOperation(past, shape) ?? estimateTypical(past, shape, knownLines(rows));
}
