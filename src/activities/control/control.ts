import { createClusterActivities } from './clusters.ts';
import { createConsoleActivities } from './console.ts';
import type { ControlDependencies } from './dependencies.ts';
import { createImageActivities } from './image.ts';
import { createMacActivities } from './macs.ts';
import { createOperationActivities } from './operations.ts';
import { createNodeActivities } from './nodes.ts';
import { createPlanActivities } from './plan.ts';
import { createRecordActivities } from './records.ts';
import { createSecretActivities } from './secrets.ts';
import { createShareActivities } from './shares.ts';
import { createSiteRegisterActivities } from './sites.ts';
import { createWatchActivities } from './watching.ts';

/** Everything that the control worker offers on its queue. */
export function createControlActivities(dependencies: ControlDependencies) {
  return {
    ...createSiteRegisterActivities(dependencies),
    ...createPlanActivities(dependencies),
    ...createOperationActivities(dependencies),
    ...createMacActivities(dependencies),
    ...createShareActivities(dependencies),
    ...createSecretActivities(dependencies),
    ...createNodeActivities(dependencies),
    ...createImageActivities(dependencies),
    ...createRecordActivities(dependencies),
    ...createClusterActivities(dependencies),
    ...createWatchActivities(dependencies),
    ...createConsoleActivities(dependencies),
  };
}
export type ControlActivities = ReturnType<typeof createControlActivities>;
