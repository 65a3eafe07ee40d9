import type { Operation } from './mark.ts';
import type { OverlayTable } from './overlay.ts';
import type { Site } from './site.ts';
import type { Vm, VmDefinition } from './vm.ts';

/** What an operation on a cluster (build, destroy) works on; small enough for a history. */
export interface OperationScope {
  operation: Operation;
  /** Id of the row in the build history. */
  buildId: string;
  origin: string;
  sites: string[];
  rolls: string[];
  /** True if no earlier operation worked on this cluster: then a failed gang may be forgotten. */
  fresh: boolean;
}

/** One site's part of an operation: all that its activities need, since they never see the store. */
export interface SiteShare {
  site: Site;
  operation: Operation;
  /** True at the site that holds the frontend VM and the supernode. */
  isOrigin: boolean;
  vms: VmDefinition[];
  table: OverlayTable;
}

/** Where the cluster's frontend is, and the nodes that it must see. */
export interface FrontendShare {
  site: Site;
  frontend: Vm;
  computes: { name: string; site: string }[];
  mtu: number;
}

/** How long a reservation that nobody boots is kept, seconds. */
export const reservationLeaseSeconds = 24 * 3600;
