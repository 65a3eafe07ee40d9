import type { ClusterSpec } from '../../../src/domain/cluster.ts';
import type { ChangedPlan } from '../../../src/domain/plan-change.ts';
import { isMade, isStaying, type VmState } from '../../../src/domain/vm-state.ts';
import type { Database } from '../../../src/store/database.ts';
import { setSpec } from './clusters.ts';
import { insertEdges } from './overlays.ts';
import { call, withRow, type Tables } from './tables.ts';
import { deleteLeftVms, insertVms, listVms, resizeVms, wantVmState } from './vms.ts';

export async function recordChange(tx: Database, changed: ChangedPlan): Promise<void> {
  const { spec, plan, change } = changed;
  const { cluster, network } = plan;
  const recorded = await listVms(tx, cluster);
  const staying = new Set(plan.vms.map((vm) => vm.name));
  await setSpec(tx, cluster, spec);
  await call(tx, 'setSites', (tables) => setSites(tables, spec));
  const leaving = recorded.filter((vm) => isStaying(vm) && !staying.has(vm.name));
  await wantVmState(
    tx,
    cluster,
    leaving.map((vm) => vm.name),
    'leaving',
  );
  const resized = change.changed.map((vm) => {
    const before = recorded.find((each) => each.name === vm.name);
    const state = before && !isMade(before) ? (before.state as VmState) : 'changed';
    return { vm, state };
  });
  await resizeVms(tx, cluster, resized);
  const added = new Set(change.added.map((vm) => vm.name));
  await insertVms(tx, { name: cluster, network }, change.added);
  await insertEdges(
    tx,
    cluster,
    plan.overlay.edges.filter((edge) => added.has(edge.vm)),
  );
  await call(tx, 'pruneSites', (tables) => pruneSites(tables, spec));
}

export async function forgetVms(tx: Database, spec: ClusterSpec, names: string[]): Promise<void> {
  await deleteLeftVms(tx, spec.name, names);
  await call(tx, 'pruneSites', (tables) => pruneSites(tables, spec));
}

export async function sitesOf(db: Database, spec: ClusterSpec): Promise<string[]> {
  return call(db, 'sitesOf', (tables) => {
    const recorded = Object.keys(tables.clusterSites.get(spec.name) ?? {}).sort();
    return [...new Set([...spec.sites.map((site) => site.name), ...recorded])];
  });
}

function setSites(tables: Tables, spec: ClusterSpec): void {
  const before = Object.keys(tables.clusterSites.get(spec.name) ?? {});
  const sites = {
    ...Object.fromEntries(before.map((site) => [site, 0])),
    ...Object.fromEntries(spec.sites.map((site) => [site.name, site.computes])),
  };
  tables.clusterSites = withRow(tables.clusterSites, spec.name, sites);
}

function pruneSites(tables: Tables, spec: ClusterSpec): void {
  const before = tables.clusterSites.get(spec.name) ?? {};
  const named = new Set(spec.sites.map((site) => site.name));
  const used = new Set((tables.vms.get(spec.name) ?? []).map(({ vm }) => vm.site));
  const kept = Object.entries(before).filter(([site]) => named.has(site) || used.has(site));
  if (kept.length === Object.keys(before).length) return;
  tables.clusterSites = withRow(tables.clusterSites, spec.name, Object.fromEntries(kept));
}
