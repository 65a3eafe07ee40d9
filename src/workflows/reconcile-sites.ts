import { isCancellation } from '@temporalio/workflow';
import { z } from 'zod';
import type { Operation } from '../domain/mark.ts';
import type { OwnedThing, Site } from '../domain/site.ts';
import type { ReconcileResult } from '../domain/results.ts';
import { atSiteSoon, control } from './activities.ts';
import { messageOf, parseWorkflowInput, workflowFailure } from './failures.ts';
import { lookAtCluster } from './look.ts';
import { listOrphans } from './orphans.ts';
import { refreshFacts } from './site-facts.ts';

/**
 * Says how the sites differ from the database, as after an older one was restored. Deletes nothing.
 * The one thing that it mends is the clusters' epochs: the sites would refuse all that is older.
 */
export async function reconcileSites(input: unknown): Promise<ReconcileResult> {
  parseWorkflowInput(z.strictObject({}), input ?? {});
  try {
    return await reconcile();
  } catch (error) {
    throw workflowFailure(error);
  }
}

async function reconcile(): Promise<ReconcileResult> {
  const { sites, installation } = await control.listSites();
  // A site without clusters may have a domain with the MAC of a VM elsewhere.
  await refreshFacts(sites);
  const silent: ReconcileResult['silent'] = [];
  const seen: { site: Site; operations: Operation[]; things: OwnedThing[] }[] = [];
  await Promise.all(
    sites.map(async (site) => {
      try {
        const things = await listOrphans(site, installation, []);
        const operations = await atSiteSoon(site.name).listOperations({ site, installation });
        seen.push({ site, operations, things });
      } catch (error) {
        if (isCancellation(error)) throw error;
        silent.push({ site: site.name, error: messageOf(error) });
      }
    }),
  );
  const { clusters: recorded } = await control.listClusters();
  const known = recorded.map(({ id }) => id);
  const clusters: ReconcileResult['clusters'] = [];
  for (const { name: cluster, id: clusterId, epoch } of recorded) {
    const operations = seen.flatMap((each) => each.operations);
    const seenEpochs = operations
      .filter(({ mark }) => mark.clusterId === clusterId)
      .map((operation) => operation.epoch);
    const atLeast = Math.max(0, ...seenEpochs);
    const raised =
      atLeast > epoch ? await control.raiseEpoch({ cluster, clusterId, atLeast }) : undefined;
    const watched = await control.watchedCluster({ cluster });
    clusters.push({
      cluster,
      findings: watched ? await lookAtCluster(watched.scope) : [],
      ...(raised === undefined ? {} : { epochRaised: { from: epoch, to: raised } }),
    });
  }
  const orphans = seen.flatMap(({ site, things }) =>
    things
      .filter((thing) => !known.includes(thing.clusterId))
      .map((thing) => ({ site: site.name, ...thing })),
  );
  return { clusters, orphans, silent };
}
