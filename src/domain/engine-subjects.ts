import { clusterNameSchema, siteNameSchema } from './names.ts';

/** What a run of the workflow engine, or an activity of it, is about. */
export interface Subject {
  cluster?: string;
  site?: string;
}

/** What follows the first word of an id: a cluster's name, or a site's. */
const nouns: Record<string, keyof Subject> = {
  cluster: 'cluster',
  watch: 'cluster',
  plan: 'cluster',
  console: 'cluster',
  site: 'site',
};

/** Reads what `engine-names.ts` writes: the cluster and the site that a workflow's id names. */
export function subjectOfWorkflow(workflowId: string): Subject {
  const [word = '', name, more] = workflowId.split(':');
  const noun = nouns[word];
  if (noun === undefined || name === undefined) return {};
  if (noun === 'site') return siteOf(name);
  // A run that a schedule started has a time behind its cluster's name: `watch:demo-2026-…Z`.
  const cluster = word === 'watch' ? name.replace(/-\d{4}-\d\d-\d\dT.*$/, '') : name;
  if (!clusterNameSchema.safeParse(cluster).success) return {};
  return { cluster, ...(word === 'cluster' && more !== undefined ? siteOf(more) : {}) };
}

/** The site whose queue this is; nothing for the control queue. */
export function subjectOfQueue(queue: string): Subject {
  const [word, name] = queue.split(':');
  return word === 'site' && name !== undefined ? siteOf(name) : {};
}

function siteOf(site: string): Subject {
  return siteNameSchema.safeParse(site).success ? { site } : {};
}
