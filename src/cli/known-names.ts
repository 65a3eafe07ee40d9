import { withStore } from './context.ts';

/** Names in the database, for completion and for "did you mean". */
export interface KnownNames {
  clusters: string[];
  sites: string[];
}

/** Whoever asks for names does without them if the database is slow. */
const patienceMs = 1_000;

/** Where the names come from; none if that does not answer: a name that is not offered is no failure. */
export interface NameSource {
  names: () => Promise<KnownNames>;
  /** Of a cluster's VMs. */
  vms: (cluster: string) => Promise<string[]>;
}

export const storedNames: NameSource = { names: knownNames, vms: knownVms };

async function knownNames(): Promise<KnownNames> {
  return await orNothing({ clusters: [], sites: [] }, async (db) => {
    const { listClusters } = await import('../store/clusters.ts');
    const { listSites } = await import('../store/sites.ts');
    const clusters = await listClusters(db);
    const sites = await listSites(db);
    return {
      clusters: clusters.map(({ name }) => name),
      sites: sites.map(({ site }) => site.name),
    };
  });
}

async function knownVms(cluster: string): Promise<string[]> {
  return await orNothing([], async (db) => {
    const { listVms } = await import('../store/vms.ts');
    return (await listVms(db, cluster)).map(({ name }) => name);
  });
}

async function orNothing<T>(nothing: T, ask: Parameters<typeof withStore<T>>[0]): Promise<T> {
  const { promise: late, resolve } = Promise.withResolvers<T>();
  const timer = setTimeout(() => resolve(nothing), patienceMs);
  try {
    return await Promise.race([withStore(ask), late]);
  } catch {
    return nothing;
  } finally {
    clearTimeout(timer);
  }
}
