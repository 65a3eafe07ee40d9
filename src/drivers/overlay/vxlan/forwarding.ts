import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import { linkAddress } from '../routed/names.ts';
import { hubBridge, hubPort, vxlanDevice } from './names.ts';

/**
 * Where the hub sends frames: every VM of the cluster is in it, so nothing is learned or flooded. For
 * `bridge -batch`.
 */
export function renderForwarding(clusterId: string, order: RoutedOrder): string {
  const device = vxlanDevice(clusterId);
  return [
    ...order.edges.map(
      ({ bridge, mac }) => `fdb replace ${mac} dev ${hubPort(bridge)} master static\n`,
    ),
    ...(order.layer2?.remotes ?? []).flatMap(({ mac, at }) => {
      const to = endpointOf(clusterId, order, at);
      if (!to) return [];
      return [
        `fdb replace ${mac} dev ${device} dst ${to.address} port ${to.port} self permanent\n`,
        `fdb replace ${mac} dev ${device} master static\n`,
      ];
    }),
  ].join('');
}

/** By which the hub answers who has an address, in the place of the one who has it. For `ip -batch`. */
export function renderNeighbours(clusterId: string, order: RoutedOrder): string {
  const all = [...order.edges, ...(order.layer2?.remotes ?? [])];
  return all
    .map(
      ({ mac, address }) =>
        `neigh replace ${address} lladdr ${mac} dev ${hubBridge(clusterId)} nud permanent\n`,
    )
    .join('');
}

/** Inside the link with that container, or in clear where it is reached. */
function endpointOf(clusterId: string, order: RoutedOrder, at: number) {
  if (!isInClear(order)) {
    return { address: linkAddress(clusterId, 0, at), port: order.layer2?.port ?? 0 };
  }
  const peer = order.peers.find(({ number }) => number === at);
  return peer?.lanEndpoint ?? peer?.publicEndpoint;
}

export function isInClear({ relays }: RoutedOrder): boolean {
  return relays.length === 0;
}
