import { vmsAt, type Edge, type OverlayTable, type Peer } from '../../../src/domain/overlay.ts';
import { bridgePrefix } from '../../../src/drivers/overlay/routed/names.ts';
import { operationOf } from '../../drivers/overlay-contract.ts';

export const network = '10.77.1.0/24';
export const mtu = 1420;
const { clusterId } = operationOf().mark;

export const routedEdge = (index: number, container: string, site = 'here'): Edge => ({
  vm: `vm${index}`,
  site,
  container,
  tap: `t${clusterId.slice(0, 8)}-${index}`,
  bridge: `${bridgePrefix(clusterId)}${index}`,
  mac: `02:5e:5e:00:00:0${index}`,
  address: `10.77.1.${index}`,
});

export const routedTable = (edges: Edge[], peers: Omit<Peer, 'vms'>[]): OverlayTable => ({
  kind: 'routed',
  version: '1.0',
  community: `mvc${clusterId}`,
  network,
  mtu,
  relayOnly: false,
  edges,
  peers: peers.flatMap((peer) => {
    const vms = vmsAt(edges, peer);
    return vms.length === 0 ? [] : [{ ...peer, vms }];
  }),
});
