import { Context } from '@temporalio/activity';
import { Failure } from '../../domain/failure.ts';
import type { OperationKind } from '../../domain/cluster.ts';
import type { OperationScope } from '../../domain/operation.ts';
import { listBuilds, type BuildRecord } from '../../store/builds.ts';
import { sitesOf } from '../../store/changes.ts';
import type { ClusterRecord } from '../../store/clusters.ts';
import type { Database } from '../../store/database.ts';

/** What an operation works on, by what is recorded now. @param build its row in the history. */
export async function scopeOf(
  db: Database,
  cluster: ClusterRecord,
  build: BuildRecord,
): Promise<OperationScope> {
  const builds = await listBuilds(db, cluster.name);
  const earlier = builds.some((each) => each.clusterId === cluster.id && each.id !== build.id);
  const mark = {
    installation: cluster.installation,
    cluster: cluster.name,
    clusterId: cluster.id,
  };
  return {
    kind: build.kind,
    operation: { mark, epoch: build.epoch },
    buildId: build.id,
    origin: cluster.spec.origin,
    sites: await sitesOf(db, cluster.spec),
    rolls: cluster.spec.rolls,
    fresh: build.kind === 'build' && !earlier,
  };
}

/** How the workflow of this activity begins an operation. */
export function startOf(kind: OperationKind, { askedBy }: { askedBy?: string }) {
  return { kind, runId: runId(), ...(askedBy === undefined ? {} : { askedBy }) };
}

/** Of the workflow that this activity belongs to: what makes its operation one. */
export function runId(): string {
  const { workflowExecution } = Context.current().info;
  if (!workflowExecution) throw new Failure('Protocol', 'this activity belongs to a workflow');
  return workflowExecution.runId;
}
