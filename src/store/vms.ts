import { sql, type Insertable } from 'kysely';
import type { Vm } from '../domain/vm.ts';
import type { VmState } from '../domain/vm-state.ts';
import { inBatches } from './batches.ts';
import type { Database } from './database.ts';
import type { Schema } from './schema.ts';

/** A VM as planned, with its last known state (see domain/vm-state.ts): `planned` at first. */
export interface VmRecord extends Vm {
  state: string;
}

/**
 * Inserts VMs with their interfaces, each at the lowest free position; part of `recordPlan` and of
 * `recordChange`, which explain violations.
 */
export async function insertVms(
  db: Database,
  cluster: { name: string; network: string },
  vms: Vm[],
): Promise<void> {
  const positions = await freePositions(db, cluster.name, vms.length);
  const rows = vms.map((vm, index) => ({
    cluster: cluster.name,
    name: vm.name,
    position: positions[index] ?? 0,
    role: vm.role,
    site: vm.site,
    container: vm.container,
    cpus: vm.cpus,
    memory_mib: vm.memoryMiB,
    disk_gib: vm.diskGiB ?? null,
  }));
  const interfaces = vms.flatMap((vm) => interfaceRows(cluster, vm));
  await inBatches(rows, (batch) => db.insertInto('vm').values(batch).execute());
  await inBatches(interfaces, (batch) =>
    db.insertInto('network_interface').values(batch).execute(),
  );
}

async function freePositions(db: Database, cluster: string, count: number): Promise<number[]> {
  const rows = await db
    .selectFrom('vm')
    .select('position')
    .where('cluster', '=', cluster)
    .execute();
  const used = new Set(rows.map((row) => row.position));
  const free: number[] = [];
  for (let position = 0; free.length < count; position += 1) {
    if (!used.has(position)) free.push(position);
  }
  return free;
}

function interfaceRows(
  cluster: { name: string; network: string },
  vm: Vm,
): Insertable<Schema['network_interface']>[] {
  const common = { cluster: cluster.name, vm: vm.name, site: vm.site };
  const { mac, address, siteInterface } = vm;
  return [
    { ...common, kind: 'overlay', mac, address, network: cluster.network, bridge: null },
    ...(siteInterface
      ? [{ ...common, kind: 'site' as const, ...siteInterface, network: null }]
      : []),
  ];
}

/** VMs of a cluster, the frontend first; of one site only, if it is named. */
export async function listVms(db: Database, cluster: string, site?: string): Promise<VmRecord[]> {
  let query = selectVms(db).where('vm.cluster', '=', cluster);
  if (site !== undefined) query = query.where('vm.site', '=', site);
  return (await query.orderBy('vm.position').execute()).map(vmOf);
}

function selectVms(db: Database) {
  return db
    .selectFrom('vm')
    .innerJoin('network_interface as nic', (join) =>
      join
        .onRef('nic.cluster', '=', 'vm.cluster')
        .onRef('nic.vm', '=', 'vm.name')
        .on('nic.kind', '=', 'overlay'),
    )
    .leftJoin('network_interface as site_nic', (join) =>
      join
        .onRef('site_nic.cluster', '=', 'vm.cluster')
        .onRef('site_nic.vm', '=', 'vm.name')
        .on('site_nic.kind', '=', 'site'),
    )
    .select([
      ...(['vm.name', 'vm.role', 'vm.site', 'vm.container', 'vm.cpus', 'vm.memory_mib'] as const),
      ...(['vm.disk_gib', 'vm.state', 'nic.mac', 'nic.address'] as const),
      ...(['site_nic.mac as site_mac', 'site_nic.address as site_address'] as const),
      'site_nic.bridge as site_bridge',
    ]);
}

type VmRow = Awaited<ReturnType<ReturnType<typeof selectVms>['execute']>>[number];

function vmOf(row: VmRow): VmRecord {
  return {
    name: row.name,
    role: row.role,
    site: row.site,
    container: row.container,
    mac: row.mac,
    address: row.address,
    cpus: row.cpus,
    memoryMiB: row.memory_mib,
    ...(row.disk_gib === null ? {} : { diskGiB: row.disk_gib }),
    ...(row.site_mac === null || row.site_address === null || row.site_bridge === null
      ? {}
      : {
          siteInterface: { bridge: row.site_bridge, mac: row.site_mac, address: row.site_address },
        }),
    state: row.state,
  };
}

/**
 * Records what was seen: VM name → state. VMs that are not recorded are passed over, and so are those
 * whose state says what is wanted of them: leaving and stopped ones.
 */
export async function setVmStates(
  db: Database,
  cluster: string,
  states: Record<string, string>,
  from?: string[],
): Promise<void> {
  const names = Object.keys(states);
  const values = Object.values(states);
  await sql`
    UPDATE vm SET state = seen.state, state_at = now()
      FROM unnest(${names}::text[], ${values}::text[]) AS seen (name, state)
     WHERE vm.cluster = ${cluster} AND vm.name = seen.name AND vm.state <> seen.state
       AND vm.state NOT IN ('leaving', 'stopped')
       AND (${from ?? null}::text[] IS NULL OR vm.state = ANY (${from ?? null}::text[]))`.execute(
    db,
  );
}

/** Records what is wanted of VMs from now on. Those that are leaving leave. */
export async function wantVmState(
  db: Database,
  cluster: string,
  names: string[],
  state: VmState,
): Promise<void> {
  if (names.length === 0) return;
  await db
    .updateTable('vm')
    .set({ state, state_at: sql<Date>`now()` })
    .where('cluster', '=', cluster)
    .where('name', 'in', names)
    .where('state', 'not in', ['leaving', state])
    .execute();
}

/** Records another size of VMs that stay at their places, under a state. */
export async function resizeVms(
  db: Database,
  cluster: string,
  vms: { vm: Vm; state: VmState }[],
): Promise<void> {
  for (const { vm, state } of vms) {
    await db
      .updateTable('vm')
      .set({
        cpus: vm.cpus,
        memory_mib: vm.memoryMiB,
        disk_gib: vm.diskGiB ?? null,
        state,
        state_at: sql<Date>`now()`,
      })
      .where('cluster', '=', cluster)
      .where('name', '=', vm.name)
      .execute();
  }
}

/** Gives interfaces of VMs other MACs. What the store has of edges follows, since it is theirs. */
export async function changeMacs(
  db: Database,
  cluster: string,
  changes: { vm: string; kind: 'overlay' | 'site'; mac: string }[],
): Promise<void> {
  for (const { vm, kind, mac } of changes) {
    await db
      .updateTable('network_interface')
      .set({ mac })
      .where('cluster', '=', cluster)
      .where('vm', '=', vm)
      .where('kind', '=', kind)
      .execute();
  }
}

/** Deletes VMs that were leaving, with interfaces, edges and ports; all others are passed over. */
export async function deleteLeftVms(db: Database, cluster: string, names: string[]): Promise<void> {
  if (names.length === 0) return;
  await db
    .deleteFrom('vm')
    .where('cluster', '=', cluster)
    .where('name', 'in', names)
    .where('state', '=', 'leaving')
    .execute();
}
