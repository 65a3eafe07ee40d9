import type { Mark } from '../../../domain/mark.ts';
import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import type { Service } from '../../supervisor/supervisor.ts';
import { linkAddress } from '../routed/names.ts';
import { groundService } from '../routed/services.ts';
import { isInClear, renderForwarding, renderNeighbours } from './forwarding.ts';
import { bridgePort, hubBridge, hubPort, vxlanDevice } from './names.ts';
import { layer2Script } from './script.ts';

/** Of the hub itself, which speaks with nobody. */
const hubMac = '02:ff:00:00:00:fd';

/** The VMs' bridges as a routed overlay has them, joined by the hub instead of by routes. */
export function layer2Service(mark: Mark, order: RoutedOrder): Service {
  const { clusterId } = mark;
  const routed = groundService(mark, order);
  const { vni, port } = order.layer2 ?? { vni: 0, port: 0 };
  return {
    ...routed,
    script: layer2Script,
    env: {
      ...routed.env,
      HUB: hubBridge(clusterId),
      HUB_MAC: hubMac,
      VXLAN: vxlanDevice(clusterId),
      VXLAN_VNI: String(vni),
      VXLAN_PORT: String(port),
      // In clear the kernel takes the address by which the packet leaves.
      ...(isInClear(order) ? {} : { VXLAN_LOCAL: linkAddress(clusterId, 0, order.self) }),
    },
    files: {
      ...routed.files,
      edges: order.edges
        .map(
          ({ bridge, mac, address }) =>
            `${bridge} ${mac} ${address} ${hubPort(bridge)} ${bridgePort(bridge)}\n`,
        )
        .join(''),
      forwarding: renderForwarding(clusterId, order),
      neighbours: renderNeighbours(clusterId, order),
    },
  };
}

/** Devices that stay at the container besides the VMs' bridges and the links. */
export function layer2Devices({ clusterId }: Mark, order: RoutedOrder): string[] {
  if (!order.layer2) return [];
  return [
    hubBridge(clusterId),
    vxlanDevice(clusterId),
    ...order.edges.map(({ bridge }) => hubPort(bridge)),
  ];
}
