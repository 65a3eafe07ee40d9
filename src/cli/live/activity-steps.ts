import type { RunningActivity } from '../../client/running-activities.ts';
import type { StepName, StepRecord } from '../../domain/cluster.ts';

/** Which steps an activity may serve; one that several share belongs to whichever runs. */
const stepsOf: Record<string, StepName[]> = {
  reserveVms: ['reserve'],
  nodeImage: ['image'],
  ensureImage: ['image'],
  ensureSupernode: ['supernode'],
  removeSupernode: ['supernode'],
  applyOverlay: ['edges'],
  removeOverlay: ['edges', 'leave'],
  ensureVms: ['frontend', 'computes'],
  startVms: ['frontend', 'computes'],
  waitForFrontend: ['frontend'],
  waitForNodes: ['computes'],
  configureNodes: ['configure'],
  resumeNodes: ['configure'],
  frontendClock: ['configure'],
  verifyCluster: ['verify'],
  drainNodes: ['drain'],
  removeVms: ['leave', 'vms'],
  stopVms: ['leave', 'computes off', 'frontend off'],
  shutDownVm: ['computes off', 'frontend off'],
};

/** What works at a running step now. What looks after things beside the steps belongs to none. */
export function activitiesOf(
  { step, site }: StepRecord,
  activities: RunningActivity[],
): RunningActivity[] {
  return activities.filter(
    (each) => each.site === site && (stepsOf[each.name] ?? []).includes(step),
  );
}
