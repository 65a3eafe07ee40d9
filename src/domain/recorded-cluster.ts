import type { ClusterSpec } from './cluster.ts';
import type { OverlayTable } from './overlay.ts';
import type { Vm } from './vm.ts';

/** A VM as recorded. */
export interface RecordedVm extends Vm {
  state: string;
}

/** A cluster as recorded, those of its VMs that are leaving included. */
export interface RecordedCluster {
  spec: ClusterSpec;
  network: string;
  vms: RecordedVm[];
  overlay: OverlayTable;
  /** True once it was ready, whatever became of it since. */
  wasReady: boolean;
}
