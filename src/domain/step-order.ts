import type { OperationKind, StepName, StepRecord } from './cluster.ts';

/** A step of the whole cluster, of each site, or of the same site. */
type Wait = StepName | `${StepName}@all` | `${StepName}@here`;
/** A step of the whole cluster, or of a site. */
type Stage = StepName | `${StepName}@site`;
type Order = Partial<Record<Stage, readonly Wait[]>>;

/** Identifies a step among the records of one operation. */
export type StepPlace = Pick<StepRecord, 'step' | 'site'>;

/**
 * What ends before what where a cluster is made as it is recorded. The image and the overlay stand
 * beside each other, as do the sites. A site's `computes` begins early, to make disks, but ends only
 * after the frontend is there; the cluster's `computes` waits until all nodes have installed themselves.
 */
const making: Order = {
  'look@site': [],
  'register@site': [],
  drain: ['register@all'],
  'leave@site': ['drain', 'register@all'],
  'reserve@site': ['leave@here', 'register@all'],
  image: ['register@all'],
  'image@site': ['image', 'reserve@all'],
  'supernode@site': ['reserve@all'],
  'overlay key': ['look@all'],
  'edges@site': ['overlay key', 'supernode@all', 'reserve@all'],
  'frontend@site': ['edges@here', 'image@here'],
  configure: ['frontend@all'],
  'computes@site': ['configure', 'edges@here', 'image@here'],
  computes: ['computes@all', 'configure'],
  verify: ['computes'],
};

const stopping: Order = {
  drain: [],
  'computes off@site': ['drain'],
  'frontend off@site': ['computes off@all'],
};

const destroying: Order = {
  'vms@site': [],
  'edges@site': ['vms@here'],
  'supernode@site': ['edges@here'],
  'inventory@site': ['supernode@here', 'edges@here'],
};

const orders: Record<OperationKind, Order> = {
  build: making,
  scale: making,
  repair: making,
  start: making,
  stop: stopping,
  destroy: destroying,
};

/**
 * Those of the steps for whose ends this one waits. A step that an operation did not have is passed
 * over: what it would have waited for counts.
 */
export function waitsOf<T extends StepPlace>(
  kind: OperationKind,
  { step, site }: StepPlace,
  steps: readonly T[],
): T[] {
  const order = orders[kind];
  const after = waitsAfter(order, step, site !== undefined);
  return [...new Set(after.flatMap((wait) => resolve(order, wait, site, steps)))];
}

function resolve<T extends StepPlace>(
  order: Order,
  wait: Wait,
  site: string | undefined,
  steps: readonly T[],
): T[] {
  const [name, scope] = wait.split('@') as [StepName, ('all' | 'here')?];
  const here = scope === 'here' ? site : undefined;
  const found = steps.filter((each) => {
    if (each.step !== name) return false;
    if (scope === undefined) return each.site === undefined;
    return each.site !== undefined && (here === undefined || each.site === here);
  });
  if (found.length > 0) return found;
  const before = waitsAfter(order, name, scope !== undefined);
  return before.flatMap((each) => resolve(order, each, here, steps));
}

function waitsAfter(order: Order, step: StepName, ofSite: boolean): readonly Wait[] {
  const stage: Stage = ofSite ? `${step}@site` : step;
  return order[stage] ?? [];
}
