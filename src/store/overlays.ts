import { clusterSpecSchema } from '../domain/cluster.ts';
import type { Edge, OverlayTable, Supernode } from '../domain/overlay.ts';
import { outsideOf } from '../domain/plan-routed.ts';
import { inBatches } from './batches.ts';
import type { Database } from './database.ts';
import { insertPeers, listPeers } from './overlay-peers.ts';

/** Inserts the overlay with its edges and ports; part of `recordPlan`, which explains violations. */
export async function insertOverlay(
  db: Database,
  cluster: string,
  overlay: OverlayTable,
): Promise<void> {
  const { kind, version, community, mtu, relayOnly, supernode } = overlay;
  await db
    .insertInto('overlay')
    .values({
      cluster,
      kind,
      version,
      community,
      mtu,
      relay_only: relayOnly,
      supernode_site: supernode?.site ?? null,
      supernode_address: supernode?.address ?? null,
    })
    .execute();
  if (supernode) {
    const { site, port } = supernode;
    await db.insertInto('udp_port').values({ site, port, cluster, vm: null }).execute();
  }
  await insertEdges(db, cluster, overlay.edges);
  await insertPeers(db, cluster, overlay.peers ?? []);
}

/** Inserts edges with their ports. Their VMs must be there. */
export async function insertEdges(db: Database, cluster: string, edges: Edge[]): Promise<void> {
  const rows = edges.map(({ vm, site, container, tap, bridge }) => ({
    cluster,
    vm,
    site,
    container,
    tap,
    bridge,
  }));
  const ports = edges.flatMap(({ vm, site, udpPort }) =>
    udpPort === undefined ? [] : [{ site, port: udpPort, cluster, vm }],
  );
  await inBatches(rows, (batch) => db.insertInto('edge').values(batch).execute());
  await inBatches(ports, (batch) => db.insertInto('udp_port').values(batch).execute());
}

/** The cluster's whole overlay, with all its edges. */
export async function findOverlay(
  db: Database,
  cluster: string,
): Promise<OverlayTable | undefined> {
  const row = await db
    .selectFrom('overlay')
    .innerJoin('cluster', 'cluster.name', 'overlay.cluster')
    .leftJoin('udp_port', (join) =>
      join
        .onRef('udp_port.cluster', '=', 'overlay.cluster')
        .on('udp_port.vm', 'is', null)
        .on('udp_port.peer', 'is', null),
    )
    .select(['kind', 'version', 'community', 'network', 'overlay.mtu', 'relay_only'])
    .select(['supernode_site', 'supernode_address', 'udp_port.port', 'cluster.spec'])
    .where('overlay.cluster', '=', cluster)
    .executeTakeFirst();
  if (!row) return undefined;
  const supernode = supernodeOf(row.supernode_site, row.supernode_address, row.port);
  const edges = await listEdges(db, cluster);
  const peers = await listPeers(db, cluster, edges);
  return {
    kind: row.kind,
    version: row.version,
    community: row.community,
    network: row.network,
    mtu: row.mtu,
    relayOnly: row.relay_only,
    ...(supernode ? { supernode } : {}),
    edges,
    ...(peers.length > 0 ? { peers } : {}),
    // The spec has it, and keeps it for good.
    ...outsideOf(clusterSpecSchema.parse(row.spec)),
  };
}

function supernodeOf(
  site: string | null,
  address: string | null,
  port: number | null,
): Supernode | undefined {
  return site === null || address === null || port === null ? undefined : { site, address, port };
}

/** Edges in the order of their VMs. */
export async function listEdges(db: Database, cluster: string): Promise<Edge[]> {
  const rows = await db
    .selectFrom('edge')
    .innerJoin('vm', (join) =>
      join.onRef('vm.cluster', '=', 'edge.cluster').onRef('vm.name', '=', 'edge.vm'),
    )
    .innerJoin('network_interface as nic', (join) =>
      join
        .onRef('nic.cluster', '=', 'edge.cluster')
        .onRef('nic.vm', '=', 'edge.vm')
        .on('nic.kind', '=', 'overlay'),
    )
    .leftJoin('udp_port', (join) =>
      join.onRef('udp_port.cluster', '=', 'edge.cluster').onRef('udp_port.vm', '=', 'edge.vm'),
    )
    .select(['edge.vm', 'edge.site', 'edge.container', 'edge.tap', 'edge.bridge'])
    .select(['nic.mac', 'nic.address', 'udp_port.port as udpPort'])
    .where('edge.cluster', '=', cluster)
    .orderBy('vm.position')
    .execute();
  return rows.map(({ udpPort, ...edge }) => ({
    ...edge,
    ...(udpPort === null ? {} : { udpPort }),
  }));
}
