import type { Forward, RoutedOrder } from '../../../domain/routed-verbs.ts';
import { renderTable } from '../nft-table.ts';
import { renderHubGuard, vxlanArriving } from '../vxlan/firewall.ts';
import {
  bridgePrefix,
  fenceTable,
  forwardTable,
  guardTable,
  linkPrefix,
  outsideTable,
  pathsPort,
  prefix6,
} from './names.ts';
import type { Opening } from './openings.ts';

type OrderedEdge = RoutedOrder['edges'][number];

/**
 * What guards a container: from each VM only its own MAC and address, no DHCP answers and no router
 * advertisements; and nothing passes between the overlay and what else the container is part of, but by
 * the openings. All values were checked by schema; each table replaces what is there at once.
 */
export function renderContainerRules(
  clusterId: string,
  order: RoutedOrder,
  mark: string,
  openings: Opening[] = [],
): string {
  return (
    renderGuard(clusterId, order, mark) +
    renderFence(clusterId, order, mark, openings) +
    (openings.length === 0 ? '' : renderOutside(clusterId, order, mark, openings))
  );
}

function renderGuard(clusterId: string, order: RoutedOrder, mark: string): string {
  return renderTable('netdev', guardTable(clusterId), [
    ...order.edges.flatMap((edge) => guardOf(edge, mark)),
    ...(order.layer2 ? renderHubGuard(order, mark) : []),
  ]);
}

function guardOf({ vm, bridge, mac, address }: OrderedEdge, mark: string): string[] {
  const neighbours =
    'nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report';
  return [
    `chain from_${vm.replaceAll('-', '_')} {`,
    `  type filter hook ingress device "${bridge}" priority 0; policy drop;`,
    `  ether saddr != ${mac} drop comment "${mark}"`,
    `  arp saddr ether ${mac} arp saddr ip { ${address}, 0.0.0.0 } accept`,
    // Asks for its own address (DHCP names the MAC once more, 28 bytes in), and never gives one.
    `  ip saddr { ${address}, 0.0.0.0 } udp sport 68 udp dport 67 @th,288,48 0x${mac.replaceAll(':', '')} accept`,
    `  udp sport 68 udp dport 67 drop`,
    `  ip saddr ${address} udp sport 67 drop`,
    `  ip saddr ${address} accept`,
    // iPXE waits for a router advertisement that it can answer.
    `  ip6 saddr fe80::/10 icmpv6 type { ${neighbours} } accept`,
    `  ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld2-listener-report } accept`,
    `}`,
  ];
}

/** As many rules for a thousand VMs as for one: the interfaces are known by how their names begin. */
function renderFence(
  clusterId: string,
  order: RoutedOrder,
  mark: string,
  openings: Opening[],
): string {
  const bridges = `"${bridgePrefix(clusterId)}*"`;
  const links = `"${linkPrefix(clusterId)}*"`;
  const open = openings.length > 0;
  return renderTable('inet', fenceTable(clusterId), [
    `chain stays_inside {`,
    `  oifname ${bridges} accept comment "${mark}"`,
    `  oifname ${links} accept`,
    `  drop`,
    `}`,
    ...(open ? [`chain goes_out {`, ...openings.map(goesOut), `}`] : []),
    `chain passing {`,
    `  type filter hook forward priority filter; policy accept;`,
    // Its own VMs: those of other containers have a way of their own there.
    ...(open ? [`  iifname ${bridges} jump goes_out`] : []),
    `  iifname ${bridges} jump stays_inside`,
    `  iifname ${links} jump stays_inside`,
    ...(open ? comesBack(order, bridges, openings) : []),
    `  oifname ${bridges} drop`,
    `  oifname ${links} drop`,
    `}`,
    `chain from_vm {`,
    `  udp sport 68 udp dport 67 accept`,
    `  icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept`,
    `  drop`,
    `}`,
    `chain from_link {`,
    `  ip6 saddr ${prefix6(clusterId)}::/48 udp dport ${pathsPort} accept`,
    `  ip6 saddr ${prefix6(clusterId)}::/48 icmpv6 type { destination-unreachable, packet-too-big } accept`,
    `  drop`,
    `}`,
    `chain arriving {`,
    `  type filter hook input priority filter; policy accept;`,
    ...vxlanArriving(order, links),
    `  iifname ${bridges} jump from_vm`,
    `  iifname ${links} jump from_link`,
    `}`,
    `chain leaving {`,
    `  type filter hook output priority filter; policy accept;`,
    // A relay hands packets on through the device that they came by, and that is meant.
    `  oifname ${bridges} icmp type redirect drop`,
    `  oifname ${links} icmp type redirect drop`,
    `}`,
  ]);
}

function goesOut({ network, devices, closed }: Opening): string {
  const but = closed.length === 0 ? '' : ` ip daddr != ${setOf(closed)}`;
  return `  oifname ${namesOf(devices)} ip daddr ${network}${but} accept`;
}

/** Answers alone, to what was asked under the container's own address. */
function comesBack({ network }: RoutedOrder, bridges: string, openings: Opening[]): string[] {
  const answer = 'ct state established,related ct direction reply ct status snat';
  return [
    // Nobody else asks in the name of a VM, to have it answered.
    `  ip saddr ${network} drop`,
    `  iifname ${exitsOf(openings)} oifname ${bridges} ${answer} accept`,
  ];
}

/** The outside knows no way back to the overlay: it sees the container's own address. */
function renderOutside(
  clusterId: string,
  { network }: RoutedOrder,
  mark: string,
  openings: Opening[],
): string {
  return renderTable('ip', outsideTable(clusterId), [
    `chain leaving {`,
    `  type nat hook postrouting priority srcnat; policy accept;`,
    `  oifname ${exitsOf(openings)} ip saddr ${network} ip daddr != ${network} masquerade comment "${mark}"`,
    `}`,
  ]);
}

function exitsOf(openings: Opening[]): string {
  return namesOf([...new Set(openings.flatMap(({ devices }) => devices))].toSorted());
}

function namesOf(devices: string[]): string {
  return setOf(devices.map((device) => `"${device}"`));
}

function setOf(items: string[]): string {
  return `{ ${items.join(', ')} }`;
}

/**
 * What a physical frontend hands on to the containers. The destination alone is rewritten: a relay must
 * see from where the others come. The flows are remembered in a zone of the cluster's own, so that they are
 * forgotten with it: else the next cluster's at the same ports would be handed on as the last one's were.
 */
export function renderForwardRules(clusterId: string, forwards: Forward[], mark: string): string {
  const zone = 1 + (Number.parseInt(clusterId.slice(0, 8), 16) % 65_535);
  return renderTable('ip', forwardTable(clusterId), [
    `chain remembering {`,
    `  type filter hook prerouting priority raw; policy accept;`,
    ...forwards.flatMap(({ protocol, port, to }) => [
      `  fib daddr type local ${protocol} dport ${port} ct zone set ${zone}`,
      `  ip saddr ${to} ${protocol} sport ${port} ct zone set ${zone}`,
    ]),
    `}`,
    `chain arriving {`,
    `  type nat hook prerouting priority dstnat; policy accept;`,
    // Any address of this host: the public one may be another NAT's, in front of it.
    ...forwards.map(
      ({ protocol, port, to }) =>
        `  fib daddr type local ${protocol} dport ${port} dnat to ${to} comment "${mark}"`,
    ),
    `}`,
  ]);
}
