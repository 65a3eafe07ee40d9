import type { OverlayKind } from '../domain/overlay.ts';
import type { OwnedThing, Site } from '../domain/site.ts';
import { atSite, atSiteSoon } from './activities.ts';
import { removeEdges } from './site-steps.ts';

/** No operation comes after the removal of a cluster that is not recorded. */
const lastEpoch = 2 ** 31 - 1;

/** Nobody knows which overlay it had. The removal of `routed` is that of `vxlan` too. */
const overlaysToRemove: Record<Site['kind'], OverlayKind[]> = {
  memory: ['memory'],
  // Routed first: it ends all services of the cluster, before n2n takes what they would make anew.
  libvirt: ['routed', 'n2n'],
};

/**
 * What carries this installation's mark at the site and belongs to none of these clusters.
 *
 * @param known ids of the recorded clusters.
 * @param cluster only what clusters of this name have left.
 */
export async function listOrphans(
  site: Site,
  installation: string,
  known: string[],
  cluster?: string,
): Promise<OwnedThing[]> {
  const owned = await atSiteSoon(site.name).listOwned({ site, installation });
  return owned.filter(
    (thing) =>
      !known.includes(thing.clusterId) && (cluster === undefined || thing.cluster === cluster),
  );
}

/** Removes all that the clusters of these things have at the site. Nothing without our mark is touched. */
export async function removeOrphans(
  site: Site,
  installation: string,
  things: OwnedThing[],
): Promise<void> {
  const clusters = new Map(things.map((thing) => [thing.clusterId, thing.cluster]));
  for (const [clusterId, cluster] of clusters) {
    const operation = { mark: { installation, cluster, clusterId }, epoch: lastEpoch };
    const at = atSite(site.name);
    await at.removeVms({ site, operation });
    for (const kind of overlaysToRemove[site.kind]) {
      await removeEdges(site, operation, kind);
      await at.removeSupernode({ site, operation, kind });
    }
  }
}
