import type { Operation } from '../../domain/mark.ts';
import type { SentImage } from '../../domain/site-line.ts';
import type { OwnedThing, Site, SiteFacts } from '../../domain/site.ts';
import type { ImageSource } from '../../drivers/site/site-driver.ts';
import { activity } from '../activity.ts';
import type { SiteDrivers } from './drivers.ts';

/** Activities about a site as a whole. */
export function createSiteActivities(drivers: SiteDrivers) {
  return {
    /** Asks every host of the site; fails unless all answer and have their programs. */
    async describeSite(input: { site: Site }): Promise<SiteFacts> {
      return activity((watch) => drivers.site(input.site).facts(watch));
    },

    /** @returns what the site was sent. */
    async ensureImage(input: { site: Site; image: ImageSource }): Promise<SentImage | undefined> {
      return activity((watch) => drivers.site(input.site).ensureImage(input.image, watch));
    },

    /** The highest operation that any host of the site has seen, one per cluster of the installation. */
    async listOperations(input: { site: Site; installation: string }): Promise<Operation[]> {
      return activity((watch) =>
        drivers.site(input.site).listOperations(input.installation, watch),
      );
    },

    async listOwned(input: {
      site: Site;
      installation: string;
      clusterId?: string;
    }): Promise<OwnedThing[]> {
      const { site, ...owner } = input;
      return activity((watch) => drivers.site(site).listOwned(owner, watch));
    },
  };
}
