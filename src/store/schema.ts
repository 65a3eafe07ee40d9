import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { ClusterPhase, OperationKind } from '../domain/cluster.ts';
import type { OverlayKind } from '../domain/overlay.ts';
import type { SiteKind } from '../domain/site.ts';
import type { Appliance } from '../domain/vm.ts';

/** JSON goes in as text (see json.ts) and comes out parsed but unchecked. */
type Json = ColumnType<unknown, string, string>;
type NullableJson = ColumnType<unknown, string | null | undefined, string | null>;

/** All tables; what their constraints promise is in migrations/ and docs/store.md. */
export interface Schema {
  site: SiteTable;
  vm_container: VmContainerTable;
  cluster: ClusterTable;
  cluster_site: ClusterSiteTable;
  vm: VmTable;
  network_interface: NetworkInterfaceTable;
  overlay: OverlayRowTable;
  edge: EdgeTable;
  overlay_peer: OverlayPeerTable;
  udp_port: UdpPortTable;
  secret: SecretTable;
  build: BuildTable;
}

interface SiteTable {
  name: string;
  kind: SiteKind;
  definition: Json;
  state: 'pending' | 'ready';
  facts: NullableJson;
  facts_at: Date | null;
  created_at: Generated<Date>;
}

interface VmContainerTable {
  site: string;
  name: string;
  address: string | null;
  port: number | null;
}

interface ClusterTable {
  name: string;
  id: string;
  installation: string;
  spec: Json;
  phase: Generated<ClusterPhase>;
  conditions: ColumnType<unknown, string | undefined, string>;
  epoch: Generated<number>;
  network: string;
  mtu: number;
  created_at: Generated<Date>;
  ready_at: Date | null;
  image_digest: string | null;
  /** bigint, which the driver gives as text. */
  image_size: ColumnType<string | null, number | null | undefined, number | null>;
  verify: NullableJson;
}

interface ClusterSiteTable {
  cluster: string;
  site: string;
  computes: number;
}

interface VmTable {
  cluster: string;
  name: string;
  position: number;
  role: Appliance;
  site: string;
  container: string;
  cpus: number;
  memory_mib: number;
  disk_gib: number | null;
  domain: GeneratedAlways<string>;
  state: Generated<string>;
  state_at: Generated<Date>;
}

interface NetworkInterfaceTable {
  mac: string;
  cluster: string;
  vm: string;
  site: string;
  kind: 'overlay' | 'site';
  address: string;
  network: string | null;
  bridge: string | null;
}

interface OverlayRowTable {
  cluster: string;
  kind: OverlayKind;
  version: string;
  community: string;
  mtu: number;
  relay_only: boolean;
  supernode_site: string | null;
  supernode_address: string | null;
}

interface EdgeTable {
  cluster: string;
  vm: string;
  site: string;
  container: string;
  tap: string;
  bridge: string;
}

interface UdpPortTable {
  site: string;
  port: number;
  cluster: string;
  /** An edge's, if set; a link's of a peer, if `peer` and `link` are; else the cluster's supernode's. */
  vm: string | null;
  peer: ColumnType<number | null, number | undefined>;
  link: ColumnType<'direct' | 'relay' | null, 'direct' | 'relay' | undefined>;
}

interface OverlayPeerTable {
  cluster: string;
  number: number;
  site: string;
  container: string;
  public_key: string;
  lan_address: string;
  public_address: string;
  inbound: boolean;
}

interface SecretTable {
  owner_kind: 'cluster' | 'site' | 'installation';
  owner_name: string;
  name: string;
  version: number;
  key_id: string;
  wrapped_key: Buffer;
  sealed: Buffer;
  updated_at: Generated<Date>;
}

interface BuildTable {
  id: Generated<string>;
  cluster: string;
  cluster_id: string;
  kind: OperationKind;
  run_id: string;
  epoch: number;
  spec: Json;
  steps: ColumnType<unknown, string | undefined, string>;
  started_at: Generated<Date>;
  finished_at: Date | null;
  outcome: 'succeeded' | 'failed' | 'cancelled' | null;
  error: string | null;
  asked_by: string | null;
}
