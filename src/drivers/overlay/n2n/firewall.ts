import type { Edge, Supernode } from '../../../domain/overlay.ts';
import { renderTable } from '../nft-table.ts';
import type { N2nEdge } from './argv.ts';

/** Tables of an edge, one per family; loaded anew whenever the edge starts. */
export function edgeTable(edge: Edge): string {
  return `mvc_${edge.tap.replace(/[^a-z0-9]/g, '_')}`;
}

export function supernodeTable(clusterId: string): string {
  return `mvc_${clusterId}_supernode`;
}

/**
 * What guards an edge: only the VM's own MAC goes into the overlay, and if the edges must relay,
 * its socket speaks with the supernode alone. All values were checked by schema; the text is complete
 * and replaces what is there at once.
 */
export function renderEdgeRules(
  edge: N2nEdge,
  supernode: Supernode,
  relayOnly: boolean,
  mark: string,
): string {
  const name = edgeTable(edge);
  const comment = `comment "${mark}"`;
  const guard = renderTable('bridge', name, [
    `chain guard {`,
    `  type filter hook forward priority filter; policy accept;`,
    `  oifname "${edge.tap}" ether saddr != ${edge.mac} drop ${comment}`,
    `  oifname "${edge.tap}" ether type arp arp saddr ether != ${edge.mac} drop`,
    // Nobody else in the overlay has it; taken in, the bridge would look for the VM over there.
    `  iifname "${edge.tap}" ether saddr ${edge.mac} drop`,
    `}`,
  ]);
  if (!relayOnly) return guard;
  const relay = renderTable('inet', name, [
    `chain incoming {`,
    `  type filter hook input priority filter; policy accept;`,
    `  udp dport ${edge.udpPort} ip saddr != ${supernode.address} drop ${comment}`,
    `  udp dport ${edge.udpPort} udp sport != ${supernode.port} drop`,
    `  udp dport ${edge.udpPort} meta nfproto ipv6 drop`,
    `}`,
    `chain outgoing {`,
    `  type filter hook output priority filter; policy accept;`,
    `  udp sport ${edge.udpPort} ip daddr != ${supernode.address} drop`,
    `  udp sport ${edge.udpPort} udp dport != ${supernode.port} drop`,
    `  udp sport ${edge.udpPort} meta nfproto ipv6 drop`,
    `}`,
  ]);
  return guard + relay;
}

/**
 * Lets the supernode answer edges of its own site's LAN from the public address that they asked: it
 * would answer from the LAN's, which they do not expect.
 */
export function renderSupernodeRules(
  clusterId: string,
  supernode: Supernode,
  mark: string,
): string {
  const from = `udp sport ${supernode.port} ip saddr != ${supernode.address}`;
  return renderTable('ip', supernodeTable(clusterId), [
    `chain answers {`,
    `  type filter hook output priority raw; policy accept;`,
    `  ${from} notrack ip saddr set ${supernode.address} comment "${mark}"`,
    `}`,
  ]);
}
