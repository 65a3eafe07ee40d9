import { routesGround } from './routed/ground.ts';
import { createRoutedHost, type RoutedHost, type RoutedHostOptions } from './routed/host.ts';
import { hubGround } from './vxlan/ground.ts';

/** A VM container of overlays that join containers, whichever of them an order is of. */
export function createContainerHost(options: RoutedHostOptions): RoutedHost {
  return createRoutedHost(options, [routesGround, hubGround]);
}
