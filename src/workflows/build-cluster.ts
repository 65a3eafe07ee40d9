import { ApplicationFailure } from '@temporalio/workflow';
import { clusterSpecSchema, type ClusterSpec, type VerifyReport } from '../domain/cluster.ts';
import type { Finding } from '../domain/drift.ts';
import { failureKinds } from '../domain/failure.ts';
import type { OperationScope } from '../domain/operation.ts';
import type { BuildResult } from '../domain/results.ts';
import { atSiteSoon, control } from './activities.ts';
import { askedBy } from './asked-by.ts';
import { ClusterOperation, type UnfinishedEnd } from './cluster-operation.ts';
import { converge } from './converge.ts';
import { parseWorkflowInput, requireClusterWorkflowId } from './failures.ts';
import { keepWatch } from './watching.ts';
import { releaseSoon } from './site-steps.ts';

/**
 * Builds a cluster, or goes on with one that a failed or cancelled operation has left. Its input is
 * the cluster's spec as one JSON object; its id must be `cluster:<name>`.
 */
export async function buildCluster(input: unknown): Promise<BuildResult> {
  const spec = parseWorkflowInput(clusterSpecSchema, input);
  requireClusterWorkflowId(spec.name);
  const operation = new ClusterOperation(spec.name, 'build', 'building');
  return operation.run(
    () => build(operation, spec),
    (end) => close(operation, end),
  );
}

async function build(operation: ClusterOperation, spec: ClusterSpec): Promise<BuildResult> {
  const { board } = operation;
  const cluster = spec.name;
  const { state, report: proved } = await control.takeUp({ spec });
  if (state === 'ready' && proved) {
    board.setPhase('ready', 'it was ready already');
    return { cluster, phase: 'ready', report: proved, alreadyReady: true };
  }
  await surveySites(operation, spec, state === 'new');
  const scope = await control.recordPlan({ spec, ...askedBy() });
  operation.take(scope);
  board.setPhase('building', `${scope.sites.length} sites, origin ${scope.origin}`);

  const { report, missing } = await converge(operation, { prove: 'all' });
  const { steps } = board.progress;
  const ended = { scope: operation.recorded, steps, amiss: missing };
  const last = report ?? provedBefore(proved, missing);
  if (report) await control.finishBuild({ ...ended, report });
  else
    await control.finishChange({ ...ended, phase: 'ready', message: 'all computes are stopped' });
  await keepWatch(cluster, spec.watch.everyMinutes);
  board.setPhase(
    'ready',
    `${last.hostnames.length} computes proved by a job and an MPI collective`,
  );
  return { cluster, phase: 'ready', report: last };
}

/** Where every compute is stopped by wish there is nothing to prove; where none came up there is no proof. */
function provedBefore(proved: VerifyReport | undefined, missing: Finding[]): VerifyReport {
  if (proved && missing.length === 0) return proved;
  throw ApplicationFailure.nonRetryable(
    'none of the computes came up, so that nothing is proved',
    'CommandFailed',
  );
}

/** @param isNew nothing was made yet: what only a person can mend ends the build instead of parking it. */
async function surveySites(
  operation: ClusterOperation,
  spec: ClusterSpec,
  isNew: boolean,
): Promise<void> {
  const sites = await control.loadSites({ names: spec.sites.map((site) => site.name) });
  await Promise.all(
    sites.map((site) =>
      operation.steps.run(
        'register',
        site.name,
        async () => {
          const facts = await atSiteSoon(site.name).describeSite({ site });
          await control.recordFacts({ facts });
        },
        { parks: ({ kind }) => !isNew || failureKinds[kind].retry },
      ),
    ),
  );
}

/** What exists is kept, for `mvc create` or `mvc destroy`; but a gang that is not complete is given back. */
async function close(operation: ClusterOperation, { outcome, message }: UnfinishedEnd) {
  const { steps } = operation.board.progress;
  const end = { outcome, error: message, steps };
  const scope = operation.recorded;
  if (!scope.fresh || operation.gangComplete) {
    await control.closeBuild({ ...end, scope, abandoned: false });
    return;
  }
  const { mark, epoch } = scope.operation;
  // A late attempt to reserve must not come after the release: it would leave what nobody remembers.
  const raised = await control.raiseEpoch({
    cluster: mark.cluster,
    clusterId: mark.clusterId,
    atLeast: epoch,
  });
  const last = { ...scope, operation: { mark, epoch: raised } };
  await control.closeBuild({ ...end, scope: last, abandoned: await giveBack(last) });
}

/**
 * A site that is away keeps what it gave until the lease ends, and then the cluster's record is kept too.
 *
 * @returns true if every site gave everything back.
 */
async function giveBack(scope: OperationScope): Promise<boolean> {
  const { operation } = scope;
  const answers = await Promise.allSettled(
    scope.sites.map(async (site) => releaseSoon(await control.siteShare({ operation, site }))),
  );
  return answers.every((answer) => answer.status === 'fulfilled');
}
