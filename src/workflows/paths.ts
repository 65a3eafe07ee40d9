import { isCancellation, log } from '@temporalio/workflow';
import { z } from 'zod';
import type { Operation } from '../domain/mark.ts';
import { clusterNameSchema } from '../domain/names.ts';
import type { ClusterPaths, Path } from '../domain/overlay.ts';
import { atSiteSoon, control } from './activities.ts';
import { messageOf, parseWorkflowInput, workflowFailure } from './failures.ts';
import { noCluster } from './running-frontend.ts';

const inputSchema = z.strictObject({ name: clusterNameSchema });

/** How a cluster's VM containers reach each other now. Changes nothing; a site that is away is named. */
export async function clusterPaths(input: unknown): Promise<ClusterPaths> {
  const { name } = parseWorkflowInput(inputSchema, input);
  try {
    const found = await control.watchedCluster({ cluster: name });
    if (!found) throw noCluster(name);
    const { sites, operation } = found.scope;
    const told = await Promise.all(sites.map((site) => pathsAt(site, operation)));
    return {
      paths: told.flatMap(({ paths }) => paths ?? []),
      silent: told.flatMap(({ site, paths }) => (paths ? [] : [site])),
    };
  } catch (error) {
    throw workflowFailure(error);
  }
}

async function pathsAt(
  name: string,
  operation: Operation,
): Promise<{ site: string; paths?: Path[] }> {
  const { site, table } = await control.siteShare({ operation, site: name });
  const containers = [...new Set(table.edges.map(({ container }) => container))];
  try {
    const asked = { site, operation, kind: table.kind, containers };
    return { site: name, paths: await atSiteSoon(name).describePaths(asked) };
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.info('a site does not tell of its paths', { site: name, error: messageOf(error) });
    return { site: name };
  }
}
