import type { WatchedProgress } from '../../client/watched.ts';
import { buildSteps, outcomeOf, type StepName, type StepRecord } from '../../domain/cluster.ts';
import type { VmAtPhase } from '../../domain/heartbeat.ts';
import { isRunning } from '../parked.ts';

/** One step with all its parts: that of the whole cluster, if it has one, and those of the sites. */
export interface Branch {
  step: StepName;
  records: StepRecord[];
}

/** The steps in the order in which they are done, not in that in which they were first heard of. */
export function branchesOf({ operation, steps }: WatchedProgress): Branch[] {
  const names = [...new Set(steps.map(({ step }) => step))];
  const found = names.map((step) => ({
    step,
    records: steps.filter((each) => each.step === step),
  }));
  if (operation === 'stop' || operation === 'destroy') return found;
  const order: readonly string[] = buildSteps;
  return found.toSorted((a, b) => order.indexOf(a.step) - order.indexOf(b.step));
}

export function isOver({ finishedAt }: StepRecord): boolean {
  return finishedAt !== undefined;
}

export function hasFailed(record: StepRecord): boolean {
  return outcomeOf(record) === 'failed';
}

/** The parts that are worth a line: what is not over or failed, that which needs somebody first. */
export function openParts({ records }: Branch, progress: WatchedProgress): StepRecord[] {
  return records
    .filter((record) => !isOver(record) || hasFailed(record))
    .toSorted((a, b) => urgency(b, progress) - urgency(a, progress));
}

/** Parked and failed first, then what is tried again. */
function urgency(record: StepRecord, { activities }: WatchedProgress): number {
  if (!isRunning(record)) return 2;
  return activities.some(({ site, lastError }) => site === record.site && lastError !== undefined)
    ? 1
    : 0;
}

/** The VMs that a step brings up. */
export function vmsOfStep(step: StepName, vms: VmAtPhase[]): VmAtPhase[] {
  if (step === 'frontend') return vms.filter(({ name }) => name === 'frontend');
  return step === 'computes' ? vms.filter(({ name }) => name !== 'frontend') : [];
}
