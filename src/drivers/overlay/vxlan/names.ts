import { bridgePrefix } from '../routed/names.ts';

/** Of a cluster's devices that join the VMs' bridges at a container; eight digits of its id follow the letter. */
function prefix(letter: string, clusterId: string): string {
  return letter + bridgePrefix(clusterId).slice(1);
}

/** Both begin alike, and so does nothing else of the cluster. */
export const hubPrefix = (clusterId: string) => prefix('x', clusterId);
export const hubBridge = (clusterId: string) => `${hubPrefix(clusterId)}br`;
export const vxlanDevice = (clusterId: string) => `${hubPrefix(clusterId)}vx`;

/** Ends of the cable between a VM's bridge and the hub: here at the hub, where the VM is guarded … */
export const portPrefix = (clusterId: string) => prefix('v', clusterId);
export const hubPort = (bridge: string) => `v${bridge.slice(1)}`;
/** … and at the VM's bridge. */
export const bridgePort = (bridge: string) => `u${bridge.slice(1)}`;

/** Inside the links every cluster has the same: the VNI tells them apart. */
export const portInLinks = 4789;
