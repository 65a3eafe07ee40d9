import type { LibvirtSite } from '../../../domain/site.ts';
import type { SiteDoor } from '../../../transport/site-door.ts';
import type { OverlayDriver } from '../overlay-driver.ts';
import { createRoutedDriver } from '../routed/driver.ts';
import { layer2OrderFor } from './order.ts';

/**
 * Layer 2 between the VMs, for sites that reach each other directly: the kernel's VXLAN between the VM containers,
 * over the links of a routed overlay or in clear. DHCP is answered at each container, as there.
 */
export function createVxlanDriver(door: SiteDoor, site: LibvirtSite): OverlayDriver {
  return createRoutedDriver(door, site, layer2OrderFor);
}
