import { checkCluster } from './cluster.ts';
import { nodeHandouts } from './handouts.ts';
import { nodeListFiles } from './node-list.ts';
import type { ClusterContext, ClusterSecrets } from './roll.ts';
import { rollsOf } from './rolls.ts';
import { pack, type TarEntry } from './tar.ts';

/**
 * What a running frontend is told when the set of computes has changed: all computes that there are
 * now, so that those that it does not name disappear. Holds no secret, since it passes through
 * histories and arguments: tokens are digests, and what all computes get is not in it, as it does not
 * change. The same input gives the same bytes.
 *
 * @returns a gzipped tar for the program `update-nodes` of the image.
 * @throws {Failure} BadInput if a value could not be written safely.
 */
export function renderNodesUpdate(context: ClusterContext, secrets: ClusterSecrets): Buffer {
  const cluster = checkCluster(context, secrets);
  const entries: TarEntry[] = [
    ...nodeListFiles(cluster, rollsOf(context)),
    ...nodeHandouts(cluster),
  ];
  return pack(entries);
}
