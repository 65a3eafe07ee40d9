import type { Forward, RoutedOrder } from '../../../domain/routed-verbs.ts';
import { renderTable } from '../nft-table.ts';
import {
  bridgePrefix,
  fenceTable,
  flowZone,
  forwardTable,
  guardTable,
  linkPrefix,
  pathsPort,
  prefix6,
} from './names.ts';
import type { Opening } from './openings.ts';
import { comesBack, goesOut, renderOutside } from './outside-rules.ts';

type OrderedEdge = RoutedOrder['edges'][number];

/** What an order needs besides what all have. */
export interface MoreRules {
  /** To the outside. */
  openings?: Opening[];
  /** Chains that guard other interfaces than the VMs' bridges. */
  guards?: string[];
  /** What may come to the container itself, or not, before all else. */
  arriving?: string[];
}

/**
 * What guards a container: from each VM only its own MAC and address, no DHCP answers and no router
 * advertisements; and nothing passes between the overlay and what else the container is part of, but by
 * the openings. All values were checked by schema; each table replaces what is there at once.
 */
export function renderContainerRules(
  clusterId: string,
  order: RoutedOrder,
  mark: string,
  { openings = [], guards = [], arriving = [] }: MoreRules = {},
): string {
  const own = order.edges.flatMap((edge) => guardOf(edge, mark));
  return (
    renderTable('netdev', guardTable(clusterId), [...own, ...guards]) +
    renderFence(clusterId, order, mark, { openings, arriving }) +
    (openings.length === 0 ? '' : renderOutside(clusterId, order, mark, openings))
  );
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
  { openings, arriving }: Required<Pick<MoreRules, 'openings' | 'arriving'>>,
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
    ...(open ? comesBack(clusterId, order, openings) : []),
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
    ...arriving,
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

/**
 * What a physical frontend hands on to the containers. The destination alone is rewritten: a relay must
 * see from where the others come.
 */
export function renderForwardRules(clusterId: string, forwards: Forward[], mark: string): string {
  const zone = flowZone(clusterId);
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
