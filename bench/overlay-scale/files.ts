import type { OverlayTable } from '../../src/domain/overlay.ts';
import type { RoutedOrder } from '../../src/domain/routed-verbs.ts';
import { renderLinks, type Link } from '../../src/drivers/overlay/routed/link-config.ts';
import { presharedKey } from '../../src/drivers/overlay/routed/link-key.ts';
import { orderFor } from '../../src/drivers/overlay/routed/order.ts';
import { renderPaths } from '../../src/drivers/overlay/routed/paths-files.ts';
import { groundService } from '../../src/drivers/overlay/routed/ground.ts';
import { dhcpService } from '../../src/drivers/overlay/routed/services.ts';
import { clusterId } from './world.ts';

const mark = { installation: '7d2f7a3e-94b1-4c55-8a63-0d9c2f8b1e4a', cluster: 'demo', clusterId };
/** Any will do: rendering takes as long with each. */
const privateKey = Buffer.alloc(32, 0x41).toString('base64');

/** What one VM container has for the cluster. */
export interface ContainerFiles {
  name: string;
  order: RoutedOrder;
  relays: boolean;
  /** Device → configuration. */
  links: Map<string, string>;
  /** The same, as the driver compares them with what runs. */
  wanted: Link[];
  /** Every other file by its name; those of keys shared with a peer as one. */
  files: Map<string, string>;
}

/** All files of all containers, by the very functions that the hosts call. */
export function renderAll(table: OverlayTable): ContainerFiles[] {
  return (table.peers ?? []).flatMap(({ site, container, publicKey, relayPort }) => {
    const order = orderFor(table, site, container);
    if (!order) return [];
    const preshared = new Map(
      order.peers.map((peer) => [peer.number, presharedKey('key', publicKey, peer.publicKey)]),
    );
    const links = renderLinks(clusterId, order, { privateKey, preshared });
    const services = [groundService(mark, order), dhcpService(mark, order)];
    return {
      name: `${site}/${container}`,
      order,
      relays: relayPort !== undefined,
      links: new Map(links.map(({ device, config }) => [device, config])),
      wanted: links,
      files: new Map([
        ...services.flatMap(({ files = {} }) => Object.entries(files)),
        ['paths.json', renderPaths(clusterId, order)],
        ['order.json', JSON.stringify(order)],
        ['psk', [...preshared.values()].join('\n')],
      ]),
    };
  });
}
