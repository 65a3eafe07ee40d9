import type { Mark } from '../../../domain/mark.ts';
import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import type { Service } from '../../supervisor/supervisor.ts';
import { renderMark } from '../mark-text.ts';
import { groundService, routesGround, type Ground } from '../routed/ground.ts';
import { linkAddress, linkPrefix } from '../routed/names.ts';
import { renderHubGuard, vxlanArriving } from './firewall.ts';
import { isInClear, renderForwarding, renderNeighbours } from './forwarding.ts';
import { bridgePort, hubBridge, hubPort, hubPrefix, portPrefix, vxlanDevice } from './names.ts';
import { layer2Script } from './script.ts';

/** Of the hub itself, which speaks with nobody. */
const hubMac = '02:ff:00:00:00:fd';

/** The VMs' bridges as a routed overlay has them, joined by the hub instead of by routes. */
export const hubGround: Ground = {
  isOf: ({ layer2 }) => layer2 !== undefined,
  service: hubService,
  devices: (mark, order) => [
    ...routesGround.devices(mark, order),
    hubBridge(mark.clusterId),
    vxlanDevice(mark.clusterId),
    ...order.edges.map(({ bridge }) => hubPort(bridge)),
  ],
  prefixes: (clusterId) => [
    ...routesGround.prefixes(clusterId),
    hubPrefix(clusterId),
    portPrefix(clusterId),
  ],
};

function hubService(mark: Mark, order: RoutedOrder): Service {
  const { clusterId } = mark;
  const routed = groundService(mark, order, {
    guards: renderHubGuard(order, renderMark(mark)),
    arriving: vxlanArriving(order, `"${linkPrefix(clusterId)}*"`),
  });
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
