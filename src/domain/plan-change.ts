import type { ClusterSpec } from './cluster.ts';
import type { Estimate } from './estimate.ts';
import type { ContainerRoom } from './plan-rooms.ts';
import type { ClusterPlan } from './plan.ts';
import type { Vm } from './vm.ts';

/** What another spec of the same cluster would change: nothing but this is done again. */
export interface PlanChange {
  /** Lines for a person: `sites.beach.computes: 1 → 3`. */
  spec: string[];
  added: Vm[];
  /** Same name, other size or place: stopped and made anew. */
  changed: Vm[];
  /** Names. */
  removed: string[];
}

/** What `mvc plan` shows: a new cluster's plan, or what a spec would change of one that is there. */
export interface PlanPreview {
  plan: ClusterPlan;
  /** Absent if there is no such cluster yet. */
  change?: PlanChange;
  /** At the VM containers that it touches; absent from a worker of an older version. */
  rooms?: ContainerRoom[];
  /** Absent if nothing like it was recorded. */
  estimate?: Estimate;
}

export function isEmptyChange(change: PlanChange): boolean {
  return [change.spec, change.added, change.changed, change.removed].every(
    (part) => part.length === 0,
  );
}

/** A recorded cluster, with what another spec makes of it. */
export interface ChangedPlan {
  spec: ClusterSpec;
  plan: ClusterPlan;
  change: PlanChange;
}
