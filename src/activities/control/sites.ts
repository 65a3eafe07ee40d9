import { Failure } from '../../domain/failure.ts';
import type { Site, SiteFacts } from '../../domain/site.ts';
import {
  findSite,
  insertPendingSite,
  listSites,
  markSiteReady,
  recordFacts,
  removeSite,
  replaceSite,
} from '../../store/sites.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';

/** Activities about the register of sites. */
export function createSiteRegisterActivities({ db, installation }: ControlDependencies) {
  return {
    /** The sites as registered, in the order asked for. */
    async loadSites(input: { names: string[] }): Promise<Site[]> {
      return activity(() => Promise.all(input.names.map((name) => readySite(name))));
    },

    async listSites(): Promise<{ installation: string; sites: Site[] }> {
      return activity(async () => {
        const ready = (await listSites(db)).filter((each) => each.state === 'ready');
        return { installation, sites: ready.map((each) => each.site) };
      });
    },

    async recordPendingSite(input: { site: Site }): Promise<void> {
      return activity(() => insertPendingSite(db, input.site));
    },

    async confirmSite(input: { facts: SiteFacts }): Promise<void> {
      return activity(() => markSiteReady(db, input.facts.site, input.facts));
    },

    /** Puts a new definition in the place of a registered one, after it has answered. */
    async replaceSite(input: { site: Site; facts: SiteFacts }): Promise<void> {
      return activity(() => replaceSite(db, input.site, input.facts));
    },

    async recordFacts(input: { facts: SiteFacts }): Promise<void> {
      return activity(() => recordFacts(db, input.facts.site, input.facts));
    },

    async removeSite(input: { name: string }): Promise<void> {
      return activity(async () => {
        if (await removeSite(db, input.name)) return;
        throw new Failure('NotFound', `site ${input.name} is not registered`, {
          help: '`mvc site list` shows the registered sites',
        });
      });
    },
  };

  async function readySite(name: string): Promise<Site> {
    const found = await findSite(db, name);
    if (found?.state === 'ready') return found.site;
    const known = (await listSites(db)).map((each) => each.site.name).join(', ');
    throw new Failure(
      'BadInput',
      `site ${name} is not registered (registered: ${known || 'none'})`,
      {
        help: '`mvc site add` registers a site',
      },
    );
  }
}
