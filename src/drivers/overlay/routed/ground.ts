import { overlayPrefix6 } from '../../../domain/boot-options.ts';
import type { Mark } from '../../../domain/mark.ts';
import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import type { Service } from '../../supervisor/supervisor.ts';
import { renderMark } from '../mark-text.ts';
import { renderContainerRules, type MoreRules } from './firewall.ts';
import { bridgePrefix, serviceNames } from './names.ts';
import type { Opening } from './openings.ts';
import { groundScript } from './scripts.ts';

/** What joins the VMs of a container with each other and with the links: routes, or what another overlay has for it. */
export interface Ground {
  isOf(order: RoutedOrder): boolean;
  /** Makes the VMs' bridges and what joins them, and then the rules. */
  service(mark: Mark, order: RoutedOrder, openings: Opening[]): Service;
  /** Its devices, but for the links. */
  devices(mark: Mark, order: RoutedOrder): string[];
  /** How the names of a cluster's begin. */
  prefixes(clusterId: string): string[];
}

/** The same at every container, so that a VM's neighbour table holds wherever it is started. */
const gatewayMac = '02:ff:00:00:00:fe';

/** A route per VM. */
export const routesGround: Ground = {
  isOf: ({ layer2 }) => layer2 === undefined,
  service: (mark, order, openings) => groundService(mark, order, { openings }),
  devices: (_mark, { edges }) => edges.map(({ bridge }) => bridge),
  prefixes: (clusterId) => [bridgePrefix(clusterId)],
};

export function groundService(mark: Mark, order: RoutedOrder, rules: MoreRules = {}): Service {
  const text = renderMark(mark);
  return {
    name: serviceNames(mark).ground,
    mark,
    script: groundScript,
    env: {
      GROUND_MARK: text,
      GROUND_MAC: gatewayMac,
      GROUND_MTU: String(order.mtu),
      GROUND_NETWORK: order.network,
      GROUND_GATEWAY: order.gateway,
      GROUND_ADDRESS6: `${overlayPrefix6}fe`,
    },
    files: {
      edges: order.edges.map((edge) => `${edge.bridge} ${edge.mac} ${edge.address}\n`).join(''),
      'rules.nft': renderContainerRules(mark.clusterId, order, text, rules),
    },
  };
}
