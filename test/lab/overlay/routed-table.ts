import type { Edge, OverlayTable, Peer } from '../../../src/domain/overlay.ts';
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

export const routedTable = (edges: Edge[], peers: Omit<Peer, 'addresses'>[]): OverlayTable => ({
  kind: 'routed',
  version: '1.0',
  community: `mvc${clusterId}`,
  network,
  mtu,
  relayOnly: false,
  edges,
  peers: peers.flatMap((peer) => {
    const own = edges.filter(
      (each) => each.site === peer.site && each.container === peer.container,
    );
    return own.length === 0 ? [] : [{ ...peer, addresses: own.map(({ address }) => address) }];
  }),
});
