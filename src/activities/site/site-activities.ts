import { createConsoleActivities } from './console.ts';
import type { SiteDrivers } from './drivers.ts';
import { createNodeActivities } from './nodes.ts';
import { createOverlayActivities } from './overlay.ts';
import { createSiteActivities } from './site.ts';
import { createTopologyActivities } from './topology.ts';
import { createUserActivities } from './users.ts';
import { createVmActivities } from './vm.ts';

/** Everything that a site worker offers on its site's queue. */
export function createAllSiteActivities(drivers: SiteDrivers) {
  return {
    ...createSiteActivities(drivers),
    ...createVmActivities(drivers),
    ...createNodeActivities(drivers),
    ...createOverlayActivities(drivers),
    ...createConsoleActivities(drivers),
    ...createUserActivities(drivers),
    ...createTopologyActivities(drivers),
  };
}
export type SiteActivities = ReturnType<typeof createAllSiteActivities>;
