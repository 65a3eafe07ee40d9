import type { Finding } from '../../domain/drift.ts';
import { domainsAt, type ForeignDomain } from '../../domain/foreign-domain.ts';
import { describeReassignment, findMacClashes, reassignMacs } from '../../domain/mac-clash.ts';
import type { Operation } from '../../domain/mark.ts';
import type { OperationScope } from '../../domain/operation.ts';
import { isStaying } from '../../domain/vm-state.ts';
import { renewBuild } from '../../store/builds.ts';
import type { Database } from '../../store/database.ts';
import { readLedger } from '../../store/ledger.ts';
import { changeInTransaction, findPlan, type RecordedPlan } from '../../store/plans.ts';
import { listSites } from '../../store/sites.ts';
import { changeMacs, type VmRecord } from '../../store/vms.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';
import { runningBuild } from './running-build.ts';
import { scopeOf } from './scopes.ts';
import { clusterOf } from './shares.ts';

/** What a site has just said of a cluster's VMs that it has refused. */
export interface RefusedAt {
  site: string;
  /** Names of those that were booted there: others have learned their MACs, so these stay. */
  booted: string[];
}

/** Activities about MACs that other domains have, by what all sites said last. */
export function createMacActivities({ db }: ControlDependencies) {
  return {
    /** Whether other MACs would help where a site has refused VMs. Records nothing. */
    async canReassignMacs(input: { operation: Operation; refused: RefusedAt }): Promise<boolean> {
      return activity(async () => {
        const { name } = await clusterOf(db, input.operation);
        const plan = await findPlan(db, name);
        return (
          plan !== undefined && (await planMacs(db, plan, unbootedAt(input.refused))).length > 0
        );
      });
    },

    /**
     * Records other MACs for VMs that a site has refused and that never booted, before any site is told
     * of them, under a new epoch: what was asked with the old ones comes too late from then on.
     *
     * @returns undefined if that would not help.
     */
    async reassignMacs(input: {
      scope: OperationScope;
      refused: RefusedAt;
    }): Promise<OperationScope | undefined> {
      const { scope, refused } = input;
      return activity(() =>
        changeInTransaction(db, scope.operation.mark.cluster, async (tx) => {
          const { cluster, build } = await runningBuild(tx, scope);
          const reassigned = await keepMacsApart(tx, cluster.name, unbootedAt(refused));
          if (reassigned.length > 0) {
            const renewed = await renewBuild(tx, build);
            return { ...(await scopeOf(tx, cluster, renewed)), reassigned };
          }
          // An attempt whose answer was lost has done it.
          const isDone = build.epoch > scope.operation.epoch;
          return isDone ? scopeOf(tx, cluster, build) : undefined;
        }),
      );
    },

    /** MACs of the cluster that other domains have, too. @param recent sites that were asked just now. */
    async macClashes(input: { operation: Operation; recent: string[] }): Promise<Finding[]> {
      return activity(async () => {
        const cluster = await clusterOf(db, input.operation);
        const plan = await findPlan(db, cluster.name);
        const vms = (plan?.vms ?? []).filter(isStaying);
        return findMacClashes(cluster, vms, await allDomains(db), input.recent);
      });
    },
  };
}

/**
 * Gives VMs that nobody can have heard of yet another MAC, where a domain at any site has theirs by now.
 * Part of a transaction that has locked the cluster's row, and that ends before a site is told.
 *
 * @param isUnbooted besides VMs that no site was ever asked to start.
 * @returns a sentence for each MAC.
 * @throws {Failure} Conflict if there is no MAC left for one.
 */
export async function keepMacsApart(
  tx: Database,
  cluster: string,
  isUnbooted: (vm: VmRecord) => boolean = () => false,
): Promise<string[]> {
  const plan = await findPlan(tx, cluster);
  if (!plan) return [];
  const changes = await planMacs(tx, plan, isUnbooted);
  await changeMacs(
    tx,
    cluster,
    changes.map(({ vm, kind, to }) => ({ vm: vm.name, kind, mac: to })),
  );
  return changes.map(describeReassignment);
}

/** As a part of what an operation works on: absent if there is nothing to tell. */
export function toldMacs(reassigned: string[]): { reassigned?: string[] } {
  return reassigned.length === 0 ? {} : { reassigned };
}

async function planMacs(
  db: Database,
  { cluster, vms }: RecordedPlan,
  isUnbooted: (vm: VmRecord) => boolean,
) {
  // A VM is recorded as reserved before anything of it can be started.
  const meant = vms.filter((vm) => vm.state === 'planned' || isUnbooted(vm));
  if (meant.length === 0) return [];
  const foreign = (await allDomains(db)).filter(({ mark }) => mark?.clusterId !== cluster.id);
  const { macs } = await readLedger(db, []);
  return reassignMacs(cluster.id, meant, foreign, macs);
}

/** `reserved` alone does not tell: a VM that is started again after a stop is so, too. */
function unbootedAt({ site, booted }: RefusedAt) {
  return (vm: VmRecord) => vm.site === site && vm.state === 'reserved' && !booted.includes(vm.name);
}

async function allDomains(db: Database): Promise<ForeignDomain[]> {
  const sites = await listSites(db);
  return domainsAt(sites.flatMap(({ site, facts }) => (facts ? [{ site, facts }] : [])));
}
