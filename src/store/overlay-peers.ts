import { vmsAt, type Edge, type Peer } from '../domain/overlay.ts';
import { inBatches } from './batches.ts';
import type { Database } from './database.ts';

/** Inserts the peers of a routed overlay with their ports. */
export async function insertPeers(db: Database, cluster: string, peers: Peer[]): Promise<void> {
  const rows = peers.map((peer) => ({
    cluster,
    number: peer.number,
    site: peer.site,
    container: peer.container,
    public_key: peer.publicKey,
    lan_address: peer.lanAddress,
    public_address: peer.publicAddress,
    inbound: peer.inbound,
  }));
  const ports = peers.flatMap(({ site, number, port, relayPort }) => [
    { site, port, cluster, vm: null, peer: number, link: 'direct' as const },
    ...(relayPort === undefined
      ? []
      : [{ site, port: relayPort, cluster, vm: null, peer: number, link: 'relay' as const }]),
  ]);
  await inBatches(rows, (batch) => db.insertInto('overlay_peer').values(batch).execute());
  await inBatches(ports, (batch) => db.insertInto('udp_port').values(batch).execute());
}

/** Makes the recorded peers exactly these. */
export async function replacePeers(db: Database, cluster: string, peers: Peer[]): Promise<void> {
  await db.deleteFrom('overlay_peer').where('cluster', '=', cluster).execute();
  await insertPeers(db, cluster, peers);
}

/** Peers in the order of their VMs; one whose VMs have all left comes last, without an address. */
export async function listPeers(db: Database, cluster: string, edges: Edge[]): Promise<Peer[]> {
  const rows = await db
    .selectFrom('overlay_peer as peer')
    .innerJoin('udp_port as direct', (join) =>
      join
        .onRef('direct.cluster', '=', 'peer.cluster')
        .onRef('direct.peer', '=', 'peer.number')
        .on('direct.link', '=', 'direct'),
    )
    .leftJoin('udp_port as relay', (join) =>
      join
        .onRef('relay.cluster', '=', 'peer.cluster')
        .onRef('relay.peer', '=', 'peer.number')
        .on('relay.link', '=', 'relay'),
    )
    .select(['peer.number', 'peer.site', 'peer.container', 'peer.public_key as publicKey'])
    .select(['peer.lan_address as lanAddress', 'peer.public_address as publicAddress'])
    .select(['peer.inbound', 'direct.port', 'relay.port as relayPort'])
    .where('peer.cluster', '=', cluster)
    .orderBy('peer.number')
    .execute();
  const peers = rows.map(({ relayPort, ...peer }) => ({
    ...peer,
    ...(relayPort === null ? {} : { relayPort }),
    vms: vmsAt(edges, peer),
  }));
  const place = (peer: Peer) => {
    const index = edges.findIndex(
      ({ site, container }) => site === peer.site && container === peer.container,
    );
    return index < 0 ? edges.length : index;
  };
  return peers.toSorted((a, b) => place(a) - place(b));
}
