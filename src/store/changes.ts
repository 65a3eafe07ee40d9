import type { ClusterSpec } from '../domain/cluster.ts';
import type { ChangedPlan } from '../domain/plan-change.ts';
import { isMade, isStaying, type VmState } from '../domain/vm-state.ts';
import { lockCluster, setSpec } from './clusters.ts';
import type { Database } from './database.ts';
import { replacePeers } from './overlay-peers.ts';
import { insertEdges } from './overlays.ts';
import { deleteLeftVms, insertVms, listVms, resizeVms, wantVmState } from './vms.ts';

/**
 * Records what another spec makes of a cluster: the spec, VMs that join, VMs that change and VMs that
 * leave. Those keep their rows, with all that they were given, until `forgetVms`. Part of a
 * transaction that has locked the cluster's row; `explainClash` explains the violations.
 */
export async function recordChange(tx: Database, changed: ChangedPlan): Promise<void> {
  const { spec, plan, change } = changed;
  const { cluster, network } = plan;
  const recorded = await listVms(tx, cluster);
  const staying = new Set(plan.vms.map((vm) => vm.name));
  await setSpec(tx, cluster, spec);
  await setSites(tx, spec);
  const leaving = recorded.filter((vm) => isStaying(vm) && !staying.has(vm.name));
  await wantVmState(
    tx,
    cluster,
    leaving.map((vm) => vm.name),
    'leaving',
  );
  const { readyAt } = await lockCluster(tx, cluster);
  const resized = change.changed.map((vm) => {
    const before = recorded.find((each) => each.name === vm.name);
    // A reservation takes another size as it is; what may be more than that is made anew.
    const untouched = readyAt === undefined && before !== undefined && !isMade(before);
    return { vm, state: untouched ? (before.state as VmState) : 'changed' } as const;
  });
  await resizeVms(tx, cluster, resized);
  const added = new Set(change.added.map((vm) => vm.name));
  await insertVms(tx, { name: cluster, network }, change.added);
  await insertEdges(
    tx,
    cluster,
    plan.overlay.edges.filter((edge) => added.has(edge.vm)),
  );
  if (plan.overlay.peers) await replacePeers(tx, cluster, plan.overlay.peers);
  await pruneSites(tx, spec);
}

/** Deletes VMs that have left their sites, and the cluster's hold on sites that it has left. */
export async function forgetVms(tx: Database, spec: ClusterSpec, names: string[]): Promise<void> {
  await deleteLeftVms(tx, spec.name, names);
  await pruneSites(tx, spec);
}

/** Sites that the spec has no more stay with no computes, as long as VMs are leaving there. */
async function setSites(tx: Database, spec: ClusterSpec): Promise<void> {
  await tx
    .updateTable('cluster_site')
    .set({ computes: 0 })
    .where('cluster', '=', spec.name)
    .execute();
  await tx
    .insertInto('cluster_site')
    .values(
      spec.sites.map((site) => ({ cluster: spec.name, site: site.name, computes: site.computes })),
    )
    .onConflict((conflict) =>
      conflict.columns(['cluster', 'site']).doUpdateSet((excluded) => ({
        computes: excluded.ref('excluded.computes'),
      })),
    )
    .execute();
}

async function pruneSites(tx: Database, spec: ClusterSpec): Promise<void> {
  await tx
    .deleteFrom('cluster_site')
    .where('cluster', '=', spec.name)
    .where(
      'site',
      'not in',
      spec.sites.map((site) => site.name),
    )
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('vm')
            .select('vm.name')
            .whereRef('vm.cluster', '=', 'cluster_site.cluster')
            .whereRef('vm.site', '=', 'cluster_site.site'),
        ),
      ),
    )
    .execute();
}

/** Sites of a cluster: those of its spec in their order, then those that VMs are still leaving. */
export async function sitesOf(db: Database, spec: ClusterSpec): Promise<string[]> {
  const rows = await db
    .selectFrom('cluster_site')
    .select('site')
    .where('cluster', '=', spec.name)
    .orderBy('site')
    .execute();
  return [...new Set([...spec.sites.map((site) => site.name), ...rows.map((row) => row.site)])];
}
