import type { Mark } from '../../../domain/mark.ts';
import type { OverlayTable, Supernode } from '../../../domain/overlay.ts';
import type { Service } from '../../supervisor/supervisor.ts';
import { renderMark } from '../mark-text.ts';
import { n2nAccount, renderEdgeArgs, type N2nEdge } from './argv.ts';
import { edgeTable, renderEdgeRules } from './firewall.ts';
import { edgeScript } from './scripts.ts';

/** Names of a cluster's edges begin so. */
export function edgePrefix(mark: Mark): string {
  return `mvc-${mark.clusterId}-edge-`;
}

/** The service that is one edge. @param secret.key goes into its environment, never into arguments. */
export function edgeService(
  mark: Mark,
  table: OverlayTable,
  edge: N2nEdge,
  supernode: Supernode,
  secret: { key: string; program: string },
): Service {
  const text = renderMark(mark);
  return {
    name: edgePrefix(mark) + edge.vm,
    mark,
    script: edgeScript,
    env: {
      EDGE_PROGRAM: secret.program,
      EDGE_ARGS: renderEdgeArgs(table, edge, supernode).join(' '),
      EDGE_TAP: edge.tap,
      EDGE_TAP_MAC: otherMac(edge.mac),
      EDGE_MTU: String(table.mtu),
      EDGE_BRIDGE: edge.bridge,
      EDGE_TABLE: edgeTable(edge),
      EDGE_MARK: text,
      EDGE_UID: String(n2nAccount),
      N2N_KEY: secret.key,
    },
    files: { 'rules.nft': renderEdgeRules(edge, supernode, table.relayOnly, text) },
  };
}

/** For the tap: another locally administered address than the VM's. */
function otherMac(mac: string): string {
  return (mac.startsWith('06') ? '0a' : '06') + mac.slice(2);
}
