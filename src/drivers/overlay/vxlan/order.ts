import { isInClear, type OverlayTable } from '../../../domain/overlay.ts';
import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import { orderFor } from '../routed/order.ts';
import { portInLinks } from './names.ts';

/** As for a routed overlay, but nothing is routed between containers: frames go to the containers themselves. */
export function layer2OrderFor(
  table: OverlayTable,
  site: string,
  container: string,
): RoutedOrder | undefined {
  const order = orderFor(table, site, container);
  if (!order) return undefined;
  const remotes = (table.peers ?? [])
    .filter(({ number }) => number !== order.self)
    .flatMap(({ vms, number }) => vms.map((vm) => ({ ...vm, at: number })));
  return {
    ...order,
    peers: order.peers.map((peer) => ({ ...peer, addresses: [] })),
    layer2: {
      vni: vniOf(table.community),
      port: isInClear(table) ? order.port : portInLinks,
      remotes,
    },
  };
}

/** Of the cluster's id, which is the end of the community. Zero is nobody's. */
function vniOf(community: string): number {
  return Number.parseInt(community.slice(3, 9), 16) || 1;
}
