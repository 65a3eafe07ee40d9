import type { RoutedOrder } from '../../../domain/routed-verbs.ts';
import { renderTable } from '../nft-table.ts';
import { bridgePrefix, flowZone, outsideTable } from './names.ts';
import type { Opening } from './openings.ts';

/** Lets VMs out to what is opened, but not to what stays closed in it. */
export function goesOut({ network, devices, closed }: Opening): string {
  const but = closed.length === 0 ? '' : ` ip daddr != ${setOf(closed)}`;
  return `  oifname ${namesOf(devices)} ip daddr ${network}${but} accept`;
}

/** Answers alone, to what was asked under the container's own address. */
export function comesBack(
  clusterId: string,
  { network }: RoutedOrder,
  openings: Opening[],
): string[] {
  const bridges = `"${bridgePrefix(clusterId)}*"`;
  // The kernel translates on what is for a cluster that has gone, but its zone was another.
  const own = `ct original zone ${flowZone(clusterId)}`;
  const answer = `ct state established,related ct direction reply ${own} ct status snat`;
  return [
    // Nobody else asks in the name of a VM, to have it answered.
    `  ip saddr ${network} drop`,
    `  iifname ${exitsOf(openings)} oifname ${bridges} ${answer} accept`,
  ];
}

/**
 * The outside knows no way back to the overlay: it sees the container's own address. What was asked is
 * remembered in the cluster's zone; the answers come in none, as all that is for that address.
 */
export function renderOutside(
  clusterId: string,
  { network }: RoutedOrder,
  mark: string,
  openings: Opening[],
): string {
  return renderTable('ip', outsideTable(clusterId), [
    `chain remembering {`,
    `  type filter hook prerouting priority raw; policy accept;`,
    `  iifname "${bridgePrefix(clusterId)}*" ip saddr ${network} ip daddr != ${network} ct original zone set ${flowZone(clusterId)}`,
    `}`,
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
