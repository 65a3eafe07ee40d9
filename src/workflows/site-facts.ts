import { isCancellation, log } from '@temporalio/workflow';
import type { Site } from '../domain/site.ts';
import { atSiteSoon, control } from './activities.ts';
import { messageOf } from './failures.ts';

/**
 * Asks sites which domains they have by now, and records it. A site that does not answer within a minute
 * is passed over: what it said last stays.
 *
 * @returns the names of those that answered.
 */
export async function refreshFacts(sites: Site[]): Promise<string[]> {
  const answered = await Promise.all(
    sites.map(async (site) => {
      try {
        const facts = await atSiteSoon(site.name).describeSite({ site });
        await control.recordFacts({ facts });
        return [site.name];
      } catch (error) {
        if (isCancellation(error)) throw error;
        log.info('a site did not tell of its domains', {
          site: site.name,
          error: messageOf(error),
        });
        return [];
      }
    }),
  );
  return answered.flat();
}
