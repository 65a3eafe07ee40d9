import { isCancellation } from '@temporalio/workflow';
import {
  findDrift,
  type Finding,
  type SeenAtSite,
  type SiteView,
  type WantedAtSite,
} from '../domain/drift.ts';
import type { NodeState } from '../domain/cluster.ts';
import type { FrontendShare, OperationScope, SiteShare } from '../domain/operation.ts';
import { atSiteSoon, control } from './activities.ts';
import { guestOf } from './converge.ts';
import { messageOf } from './failures.ts';
import { refreshFacts } from './site-facts.ts';

/**
 * Looks at every site of the cluster and at its scheduler, and tells what is not as it should be. Changes
 * nothing.
 */
export async function lookAtCluster(scope: OperationScope): Promise<Finding[]> {
  const { operation } = scope;
  const frontend = await control.frontendShare({ operation });
  const wanted: WantedAtSite[] = [];
  const views: Record<string, SiteView> = {};
  const recent: string[] = [];
  await Promise.all(
    scope.sites.map(async (site) => {
      const share = await control.siteShare({ operation, site });
      wanted.push(wantedAt(share));
      const [view, answered] = await Promise.all([viewOf(share), refreshFacts([share.site])]);
      views[site] = view;
      recent.push(...answered);
    }),
  );
  wanted.sort((a, b) => scope.sites.indexOf(a.site) - scope.sites.indexOf(b.site));
  const nodes = frontendIsSeen(frontend, views) ? await askScheduler(scope, frontend) : undefined;
  const findings = [
    ...findDrift(wanted, views, Array.isArray(nodes) ? nodes : undefined),
    ...(await control.macClashes({ operation, recent: recent.toSorted() })),
  ];
  return nodes === undefined || Array.isArray(nodes) ? findings : [...findings, nodes];
}

function wantedAt(share: SiteShare): WantedAtSite {
  return {
    site: share.site.name,
    isOrigin: share.isOrigin,
    running: share.vms.map((vm) => vm.name),
    stopped: share.stopped.map((vm) => vm.name),
    leaving: share.leaving.map((vm) => vm.name),
  };
}

async function viewOf(share: SiteShare): Promise<SiteView> {
  try {
    return { seen: await lookAtSite(share) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { silent: messageOf(error) };
  }
}

/** Asks one site for its part of the cluster. Fails if it does not answer within a minute. */
export async function lookAtSite(share: SiteShare): Promise<SeenAtSite> {
  const { site, operation, table } = share;
  const at = atSiteSoon(site.name);
  const containers = [...new Set(table.edges.map((edge) => edge.container))];
  const [vms, edges, supernode] = await Promise.all([
    at.describeVms({ site, operation }),
    at.describeOverlay({ site, operation, kind: table.kind, containers }),
    share.isOrigin ? at.describeSupernode({ site, operation, kind: table.kind }) : undefined,
  ]);
  return { vms, edges, ...(supernode ? { supernodeUp: supernode.up } : {}) };
}

/** A frontend that is off cannot be asked; that it is off is told anyway. */
function frontendIsSeen({ site, frontend }: FrontendShare, views: Record<string, SiteView>) {
  const view = views[site.name];
  if (view === undefined || 'silent' in view) return false;
  return view.seen.vms.some((vm) => vm.name === frontend.name && vm.power === 'running');
}

async function askScheduler(
  { operation }: OperationScope,
  share: FrontendShare,
): Promise<NodeState[] | Finding> {
  try {
    return await atSiteSoon(share.site.name).nodeStates({ frontend: guestOf(operation, share) });
  } catch (error) {
    if (isCancellation(error)) throw error;
    return {
      site: share.site.name,
      kind: 'node',
      name: share.frontend.name,
      message: `the frontend runs, but does not answer: ${messageOf(error)}`,
    };
  }
}
