import type { ControlDependencies } from './dependencies.ts';
import { createPlanActivities } from './plan.ts';
import { createRecordActivities } from './records.ts';
import { createSecretActivities } from './secrets.ts';
import { createShareActivities } from './shares.ts';
import { createSiteRegisterActivities } from './sites.ts';

/** Everything that the control worker offers on its queue. */
export function createControlActivities(dependencies: ControlDependencies) {
  return {
    ...createSiteRegisterActivities(dependencies),
    ...createPlanActivities(dependencies),
    ...createShareActivities(dependencies),
    ...createSecretActivities(dependencies),
    ...createRecordActivities(dependencies),
  };
}
export type ControlActivities = ReturnType<typeof createControlActivities>;
