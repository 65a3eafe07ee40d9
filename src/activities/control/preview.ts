import type { ClusterSpec } from '../../domain/cluster.ts';
import type { PlanPreview } from '../../domain/plan-change.ts';
import { planRooms } from '../../domain/plan-rooms.ts';
import type { Database } from '../../store/database.ts';
import { estimateOfSpec } from '../../store/estimates.ts';
import { readLedger } from '../../store/ledger.ts';
import type { RecordedPlan } from '../../store/plans.ts';
import { namesOf, planChange, planNew } from './planning.ts';

/** What a build of a new cluster would make. @throws {Failure} as `planNew`. */
export async function previewNew(
  db: Database,
  spec: ClusterSpec,
  installation: string,
): Promise<PlanPreview> {
  const ledger = await readLedger(db, namesOf(spec));
  const { plan, sites } = await planNew(db, spec, ledger, installation);
  const facts = sites.map((site) => site.facts);
  const estimate = await estimateOfSpec(db, spec);
  return { plan, rooms: planRooms(facts, plan.vms, []), ...(estimate && { estimate }) };
}

/** What a spec would change of a cluster that is recorded. @throws {Failure} as `planChange`. */
export async function previewChange(
  db: Database,
  recorded: RecordedPlan,
  spec: ClusterSpec,
): Promise<PlanPreview> {
  const { plan, change, sites } = await planChange(db, recorded, spec);
  const going = [...change.removed, ...change.changed.map((vm) => vm.name)];
  const rooms = planRooms(
    sites.map((site) => site.facts),
    [...change.added, ...change.changed],
    recorded.vms.filter((vm) => going.includes(vm.name)),
  );
  const estimate = await estimateOfSpec(db, spec, recorded.cluster.spec);
  return { plan, change, rooms, ...(estimate && { estimate }) };
}
