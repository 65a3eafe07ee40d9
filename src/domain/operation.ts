import type { OperationKind } from './cluster.ts';
import type { Operation } from './mark.ts';
import type { OverlayTable } from './overlay.ts';
import type { Site } from './site.ts';
import type { Vm, VmDefinition } from './vm.ts';

/** What an operation on a cluster works on; small enough for a history. */
export interface OperationScope {
  kind: OperationKind;
  operation: Operation;
  /** Id of the row in the build history. */
  buildId: string;
  origin: string;
  sites: string[];
  rolls: string[];
  /** True if no earlier operation worked on this cluster: then a failed gang may be forgotten. */
  fresh: boolean;
  /** MACs that were given anew when this was recorded, one sentence each; absent if none were. */
  reassigned?: string[];
}

/** One site's part of an operation: all that its activities need, since they never see the store. */
export interface SiteShare {
  site: Site;
  operation: Operation;
  /** True at the site that holds the frontend VM, and the supernode if the overlay has one. */
  isOrigin: boolean;
  /** VMs that are to run. */
  vms: VmDefinition[];
  /** VMs that are to be off, and stay. */
  stopped: VmDefinition[];
  /** VMs that are to go. Their edges are no longer in the table. */
  leaving: VmDefinition[];
  /** Names of those among `vms` whose definition has changed since they were made: stopped, then made anew. */
  changed: string[];
  table: OverlayTable;
}

/** Where the cluster's frontend is, and the nodes that it must see. */
export interface FrontendShare {
  site: Site;
  frontend: Vm;
  /** Computes that are to run. */
  computes: { name: string; site: string }[];
  /** Names of computes that are to be off, or to go: the scheduler must give them no more work. */
  leaving: string[];
  mtu: number;
}

/** How long a reservation that nobody boots is kept, seconds. */
export const reservationLeaseSeconds = 24 * 3600;
