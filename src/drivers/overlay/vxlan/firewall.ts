import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import { isInClear } from './forwarding.ts';
import { hubPort } from './names.ts';

/**
 * What guards the hub: from each VM only its own MAC and address, and no broadcast but the question who
 * has an address, which the hub answers. Other protocols than IP pass from its MAC. DHCP ends at the VM's bridge.
 */
export function renderHubGuard(order: RoutedOrder, mark: string): string[] {
  return order.edges.flatMap(({ vm, bridge, mac, address }) => [
    `chain hub_${vm.replaceAll('-', '_')} {`,
    `  type filter hook ingress device "${hubPort(bridge)}" priority 0; policy drop;`,
    `  ether saddr != ${mac} drop comment "${mark}"`,
    `  arp saddr ether ${mac} arp saddr ip { ${address}, 0.0.0.0 } accept`,
    `  ether daddr & 01:00:00:00:00:00 == 01:00:00:00:00:00 drop`,
    `  ip saddr ${address} udp sport { 67, 68 } udp dport { 67, 68 } drop`,
    `  ip saddr ${address} accept`,
    `  ether type != { ip, arp, ip6, 8021q, 8021ad } accept`,
    `}`,
  ]);
}

/**
 * Frames come through the links, and not from elsewhere with the cluster's VNI (bits 96 to 119 of UDP). In clear
 * they may come from anywhere: nothing tells who sent them.
 */
export function vxlanArriving(order: RoutedOrder, links: string): string[] {
  if (!order.layer2 || isInClear(order)) return [];
  const { port, vni } = order.layer2;
  return [
    `  iifname ${links} udp dport ${port} @th,96,24 ${vni} accept`,
    `  udp dport ${port} @th,96,24 ${vni} drop`,
  ];
}
