import type { ImageRef } from '../../domain/image.ts';
import type { Operation } from '../../domain/mark.ts';
import { setImage } from '../../store/clusters.ts';
import { findSite } from '../../store/sites.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';
import { clusterOf } from './shares.ts';

/** Stands for the image at sites that exist in memory only. */
const memoryImage: ImageRef = { digest: '1'.repeat(64), size: 1, path: '/dev/null' };

/** The activity that builds the image. */
export function createImageActivities(dependencies: ControlDependencies) {
  const { db } = dependencies;
  return {
    /** The node image with these rolls: built from packages, or found built. */
    async nodeImage(input: { operation: Operation; rolls: string[] }): Promise<ImageRef> {
      return activity(async ({ signal, progress }) => {
        const cluster = await clusterOf(db, input.operation);
        const sites = await Promise.all(cluster.spec.sites.map((site) => findSite(db, site.name)));
        const image = sites.every((found) => found?.site.kind === 'memory')
          ? memoryImage
          : await dependencies.buildImage({
              rolls: input.rolls,
              signal,
              onProgress: (note) => progress({ note }),
            });
        await setImage(db, cluster.name, image, input.operation.epoch);
        return image;
      });
    },
  };
}
