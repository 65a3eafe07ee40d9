import type { Vm } from '../../../src/domain/vm.ts';
import type { VmState } from '../../../src/domain/vm-state.ts';
import type { Database } from '../../../src/store/database.ts';
import type { VmRecord } from '../../../src/store/vms.ts';
import { call, withRow, type Tables, type VmRow } from './tables.ts';

export async function insertVms(
  db: Database,
  cluster: { name: string; network: string },
  vms: Vm[],
): Promise<void> {
  await call(db, 'insertVms', (tables) => {
    const rows = [...(tables.vms.get(cluster.name) ?? [])];
    for (const vm of vms) {
      let position = 0;
      while (rows.some((row) => row.position === position)) position += 1;
      rows.push({ position, vm: { ...vm, state: 'planned' } });
    }
    rows.sort((a, b) => a.position - b.position);
    tables.vms = withRow(tables.vms, cluster.name, rows);
  });
}

export async function listVms(db: Database, cluster: string, site?: string): Promise<VmRecord[]> {
  return call(db, 'listVms', (tables) =>
    (tables.vms.get(cluster) ?? [])
      .map((row) => row.vm)
      .filter((vm) => site === undefined || vm.site === site),
  );
}

export async function setVmStates(
  db: Database,
  cluster: string,
  states: Record<string, string>,
  from?: string[],
): Promise<void> {
  await call(db, 'setVmStates', (tables) =>
    change(tables, cluster, (vm) => {
      const state = states[vm.name];
      if (state === undefined || ['leaving', 'stopped'].includes(vm.state)) return vm;
      if (from && !from.includes(vm.state)) return vm;
      return { ...vm, state };
    }),
  );
}

export async function wantVmState(
  db: Database,
  cluster: string,
  names: string[],
  state: VmState,
): Promise<void> {
  await call(db, 'wantVmState', (tables) =>
    change(tables, cluster, (vm) =>
      names.includes(vm.name) && vm.state !== 'leaving' ? { ...vm, state } : vm,
    ),
  );
}

export async function resizeVms(
  db: Database,
  cluster: string,
  vms: { vm: Vm; state: VmState }[],
): Promise<void> {
  await call(db, 'resizeVms', (tables) =>
    change(tables, cluster, (vm) => {
      const found = vms.find((each) => each.vm.name === vm.name);
      if (!found) return vm;
      const { cpus, memoryMiB, diskGiB } = found.vm;
      const disk = diskGiB === undefined ? {} : { diskGiB };
      return { ...vm, cpus, memoryMiB, ...disk, state: found.state };
    }),
  );
}

export async function changeMacs(
  db: Database,
  cluster: string,
  changes: { vm: string; kind: 'overlay' | 'site'; mac: string }[],
): Promise<void> {
  await call(db, 'changeMacs', (tables) => {
    const changeOf = (name: string, kind: 'overlay' | 'site') =>
      changes.find((each) => each.vm === name && each.kind === kind)?.mac;
    const rows = (tables.vms.get(cluster) ?? []).map((row): VmRow => {
      const { vm } = row;
      const own = vm.siteInterface;
      const siteInterface = own && { ...own, mac: changeOf(vm.name, 'site') ?? own.mac };
      const mac = changeOf(vm.name, 'overlay') ?? vm.mac;
      return { ...row, vm: { ...vm, mac, ...(siteInterface ? { siteInterface } : {}) } };
    });
    tables.vms = withRow(tables.vms, cluster, rows);
    const edges = tables.edges.get(cluster) ?? [];
    tables.edges = withRow(
      tables.edges,
      cluster,
      edges.map((edge) => ({ ...edge, mac: changeOf(edge.vm, 'overlay') ?? edge.mac })),
    );
  });
}

export async function deleteLeftVms(db: Database, cluster: string, names: string[]): Promise<void> {
  await call(db, 'deleteLeftVms', (tables) => {
    const rows = tables.vms.get(cluster) ?? [];
    const goes = ({ vm }: VmRow) => names.includes(vm.name) && vm.state === 'leaving';
    if (!rows.some(goes)) return;
    const left = new Set(rows.filter(goes).map((row) => row.vm.name));
    tables.vms = withRow(
      tables.vms,
      cluster,
      rows.filter((row) => !goes(row)),
    );
    const edges = tables.edges.get(cluster) ?? [];
    tables.edges = withRow(
      tables.edges,
      cluster,
      edges.filter((edge) => !left.has(edge.vm)),
    );
  });
}

function change(tables: Tables, cluster: string, action: (vm: VmRecord) => VmRecord): void {
  const rows = tables.vms.get(cluster);
  if (!rows) return;
  const changed = rows.map((row) => {
    const vm = action(row.vm);
    return vm === row.vm || vm.state === row.vm.state ? keepUnlessResized(row, vm) : { ...row, vm };
  });
  if (changed.every((row, index) => row === rows[index])) return;
  tables.vms = withRow(tables.vms, cluster, changed);
}

function keepUnlessResized(row: VmRow, vm: VmRecord): VmRow {
  const same = (['cpus', 'memoryMiB', 'diskGiB'] as const).every((key) => row.vm[key] === vm[key]);
  return same ? row : { ...row, vm };
}
