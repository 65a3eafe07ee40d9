/**
 * Names in the workflow engine. The only place where they are made: a queue per site, and ids that
 * say what they guard (the engine refuses a second run under a live id).
 */
export const controlQueue = 'control';

/** The engine's worker deployment whose versions are those of the workflows' code. */
export const workerDeployment = 'mvc';

export function siteQueue(site: string): string {
  return `site:${site}`;
}

/** Build, destroy and every other operation of a cluster run under this one id. */
export function clusterWorkflowId(cluster: string): string {
  return `cluster:${cluster}`;
}

export function clusterSiteWorkflowId(cluster: string, site: string): string {
  return `cluster:${cluster}:${site}`;
}

export function siteWorkflowId(site: string): string {
  return `site:${site}`;
}

/** The schedule that looks at a cluster; the runs that it starts have this id with a time behind it. */
export function watchScheduleId(cluster: string): string {
  return `watch:${cluster}`;
}

/** Search attributes: what the lists in the engine's UI can be filtered by. */
export const searchAttributes = {
  cluster: 'MvcCluster',
  site: 'MvcSite',
  phase: 'MvcPhase',
  attention: 'MvcAttention',
} as const;
