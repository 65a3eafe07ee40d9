import {
  ChildWorkflowCancellationType,
  ParentClosePolicy,
  startChild,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { z } from 'zod';
import { clusterSiteWorkflowId } from '../domain/engine-names.ts';
import { clusterNameSchema } from '../domain/names.ts';
import type { OperationScope } from '../domain/operation.ts';
import type { DestroyResult } from '../domain/results.ts';
import { control } from './activities.ts';
import { askedBy } from './asked-by.ts';
import { ClusterOperation } from './cluster-operation.ts';
import { destroySite } from './destroy-site.ts';
import { parseWorkflowInput, requireClusterWorkflowId } from './failures.ts';
import { answerSignal } from './messages.ts';
import { endWatch } from './watching.ts';
import { siteAttributes } from './progress.ts';
import { listOrphans, removeOrphans } from './orphans.ts';

const inputSchema = z.strictObject({ name: clusterNameSchema });

/**
 * Removes a cluster from every site, from any state. A site that is away is waited for: the rest goes
 * at once, and the destroy ends by itself when the site is back. Its id must be `cluster:<name>`.
 */
export async function destroyCluster(input: unknown): Promise<DestroyResult> {
  const { name } = parseWorkflowInput(inputSchema, input);
  requireClusterWorkflowId(name);
  const operation = new ClusterOperation(name, 'destroy', 'destroying');
  return operation.run(
    async () => {
      await endWatch(name);
      operation.scope = await control.beginDestroy({ cluster: name, ...askedBy() });
      const { emptySites, left } = operation.scope
        ? await destroyRecorded(operation, operation.scope)
        : await destroyUnrecorded(operation);
      operation.board.setPhase('destroyed', `nothing is left at ${emptySites.join(', ')}`);
      return { cluster: name, phase: 'destroyed', emptySites, left };
    },
    async ({ outcome, message }) => {
      const { steps } = operation.board.progress;
      const scope = operation.recorded;
      await control.closeBuild({ scope, outcome, error: message, abandoned: false, steps });
    },
  );
}

type Removed = Pick<DestroyResult, 'emptySites' | 'left'>;

async function destroyRecorded(
  operation: ClusterOperation,
  scope: OperationScope,
): Promise<Removed> {
  const { board } = operation;
  const handles = new Map<string, ChildWorkflowHandle<typeof destroySite>>();
  operation.sites = {
    hear: (news) => news.steps.forEach(board.record),
    answer: async (site, answer) => handles.get(site)?.signal(answerSignal, answer),
  };
  const results = await Promise.allSettled(
    scope.sites.map(async (site) => {
      const handle = await startAt(scope, site);
      handles.set(site, handle);
      return { site, isEmpty: await handle.result() };
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  const sites = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const left = sites
    .filter(({ isEmpty }) => !isEmpty)
    .map(({ site }) => `site ${site} was given up: what is there, \`mvc sweep\` finds`);
  await control.finishDestroy({ scope, steps: board.progress.steps, left });
  return {
    emptySites: sites.filter(({ isEmpty }) => isEmpty).map(({ site }) => site),
    left,
  };
}

/** A cluster that the store does not know may still have left something: the sites are asked by its name. */
async function destroyUnrecorded({ cluster, steps }: ClusterOperation): Promise<Removed> {
  const { sites, installation } = await control.listSites();
  const left: string[] = [];
  await Promise.all(
    sites.map((site) =>
      steps.run(
        'vms',
        site.name,
        async () => {
          const things = await listOrphans(site, installation, [], cluster);
          await removeOrphans(site, installation, things);
        },
        {
          skip: async () => {
            left.push(`site ${site.name} was given up: what is there, \`mvc sweep\` finds`);
          },
        },
      ),
    ),
  );
  const names = sites.map((site) => site.name);
  return {
    emptySites: names.filter((name) => !left.some((each) => each.startsWith(`site ${name} `))),
    left,
  };
}

function startAt(
  scope: OperationScope,
  site: string,
): Promise<ChildWorkflowHandle<typeof destroySite>> {
  const { cluster } = scope.operation.mark;
  return startChild(destroySite, {
    workflowId: clusterSiteWorkflowId(cluster, site),
    args: [{ site, operation: scope.operation }],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    staticSummary: `remove ${cluster} at ${site}`,
    typedSearchAttributes: siteAttributes(cluster, site),
  });
}
