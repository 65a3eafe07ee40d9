import { isCancellation } from '@temporalio/workflow';
import { z } from 'zod';
import { clusterNameSchema } from '../domain/names.ts';
import type { OwnedThing, Site } from '../domain/site.ts';
import type { SweepResult } from '../domain/results.ts';
import { control } from './activities.ts';
import { messageOf, parseWorkflowInput, workflowFailure } from './failures.ts';
import { listOrphans, removeOrphans } from './orphans.ts';

const inputSchema = z.strictObject({
  remove: z.boolean().default(false),
  cluster: clusterNameSchema.optional(),
});

/** Lists, and on request removes, what carries this installation's mark but belongs to no recorded cluster. */
export async function sweepSites(input: unknown): Promise<SweepResult> {
  const request = parseWorkflowInput(inputSchema, input);
  try {
    const { sites, installation } = await control.listSites();
    const result: SweepResult = { things: [], silent: [] };
    await Promise.all(
      sites.map(async (site) => {
        try {
          result.things.push(...(await sweep(site, installation, request)));
        } catch (error) {
          if (isCancellation(error)) throw error;
          result.silent.push({ site: site.name, error: messageOf(error) });
        }
      }),
    );
    return result;
  } catch (error) {
    throw workflowFailure(error);
  }
}

async function sweep(
  site: Site,
  installation: string,
  { remove, cluster }: z.infer<typeof inputSchema>,
): Promise<SweepResult['things']> {
  const found = await listOrphans(site, installation, [], cluster);
  // Asked after the site: a cluster is recorded before anything of it is made.
  const known = (await control.listClusters()).clusters.map(({ id }) => id);
  const orphans = found.filter((thing) => !known.includes(thing.clusterId));
  if (!remove || orphans.length === 0) return orphans.map((thing) => told(site, thing, false));
  await removeOrphans(site, installation, orphans);
  const left = await listOrphans(site, installation, known, cluster);
  return orphans.map((thing) =>
    told(site, thing, !left.some((each) => each.host === thing.host && each.name === thing.name)),
  );
}

function told(site: Site, thing: OwnedThing, removed: boolean) {
  return { site: site.name, ...thing, removed };
}
