import { z } from 'zod';
import { clusterSpecSchema } from '../domain/cluster.ts';
import { clusterNameSchema, siteNameSchema } from '../domain/names.ts';
import type { PlanPreview } from '../domain/plan-change.ts';
import type { Site, SiteFacts } from '../domain/site.ts';
import type { Inventory } from '../domain/results.ts';
import { atSiteSoon, control } from './activities.ts';
import { messageOf, parseWorkflowInput, workflowFailure } from './failures.ts';

/**
 * Asks the sites anew and plans the cluster, or what the spec would change of a recorded one. Nothing is
 * recorded or changed at the sites.
 */
export async function previewCluster(input: unknown): Promise<PlanPreview> {
  const spec = parseWorkflowInput(clusterSpecSchema, input);
  try {
    const sites = await control.loadSites({ names: spec.sites.map((site) => site.name) });
    await Promise.all(sites.map(askSite));
    return await control.previewPlan({ spec });
  } catch (error) {
    throw workflowFailure(error);
  }
}

/** Asks every site what carries this installation's mark. */
export async function takeInventory(input: unknown): Promise<Inventory> {
  const { site: only, cluster } = parseWorkflowInput(
    z.strictObject({ site: siteNameSchema.optional(), cluster: clusterNameSchema.optional() }),
    input,
  );
  try {
    const { sites, installation } = await control.listSites();
    if (only !== undefined) await control.loadSites({ names: [only] });
    const asked = sites.filter((site) => only === undefined || site.name === only);
    const inventory: Inventory = { things: [], silent: [] };
    await Promise.all(
      asked.map(async (site) => {
        try {
          const things = await atSiteSoon(site.name).listOwned({ site, installation });
          inventory.things.push(...things.map((thing) => ({ site: site.name, ...thing })));
        } catch (error) {
          inventory.silent.push({ site: site.name, error: messageOf(error) });
        }
      }),
    );
    inventory.things = inventory.things.filter(
      (thing) => cluster === undefined || thing.cluster === cluster,
    );
    return inventory;
  } catch (error) {
    throw workflowFailure(error);
  }
}

async function askSite(site: Site): Promise<SiteFacts> {
  const facts = await atSiteSoon(site.name).describeSite({ site });
  await control.recordFacts({ facts });
  return facts;
}
