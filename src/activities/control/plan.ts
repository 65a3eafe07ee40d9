import type { ClusterSpec, VerifyReport } from '../../domain/cluster.ts';
import { Failure } from '../../domain/failure.ts';
import type { OperationScope } from '../../domain/operation.ts';
import type { PlanChange, PlanPreview } from '../../domain/plan-change.ts';
import { checkRolls } from '../../rolls/rolls.ts';
import { startBuild } from '../../store/builds.ts';
import { clusterNotFound, setPhase, type ClusterRecord } from '../../store/clusters.ts';
import { findPlan, planAndRecord } from '../../store/plans.ts';
import { activity } from '../activity.ts';
import { conditionsWith } from './conditions.ts';
import type { ControlDependencies } from './dependencies.ts';
import { keepMacsApart, toldMacs } from './macs.ts';
import { takeUpState } from './permission.ts';
import { namesOf, planChange, planNew } from './planning.ts';
import { previewChange, previewNew } from './preview.ts';
import { scopeOf, startOf } from './scopes.ts';

/** What a build finds of its cluster. */
export interface TakenUp {
  state: 'new' | 'unfinished' | 'ready';
  /** The last proof, if it was ever proved. */
  report?: VerifyReport;
}

/** Activities that decide and record what a build will do, before any site is asked for it. */
export function createPlanActivities({ db, installation }: ControlDependencies) {
  return {
    /** The plan that a build would record now, or what the spec would change of a recorded cluster. */
    async previewPlan(input: { spec: ClusterSpec }): Promise<PlanPreview> {
      return activity(async () => {
        const { spec } = input;
        const recorded = await findPlan(db, spec.name);
        return recorded ? previewChange(db, recorded, spec) : previewNew(db, spec, installation);
      });
    },

    /** What another spec would change of a recorded cluster; nothing is recorded. */
    async previewChange(input: { cluster: string; spec: ClusterSpec }): Promise<PlanChange> {
      return activity(async () => {
        const recorded = await findPlan(db, input.cluster);
        if (!recorded) throw clusterNotFound(input.cluster);
        return (await planChange(db, recorded, input.spec)).change;
      });
    },

    /** What a build of this spec would find; fails if none could be recorded, before any site is asked. */
    async takeUp(input: { spec: ClusterSpec }): Promise<TakenUp> {
      return activity(async () => {
        const { spec } = input;
        checkRolls(spec.rolls);
        const recorded = await findPlan(db, spec.name);
        if (!recorded) return { state: 'new' };
        const state = takeUpState(recorded, spec);
        const report = recorded.cluster.verify;
        return report ? { state, report } : { state };
      });
    },

    /** Records a new cluster's plan, or takes up the recorded one of a build that did not finish. */
    async recordPlan(input: { spec: ClusterSpec; askedBy?: string }): Promise<OperationScope> {
      return activity(async () => {
        const cluster = (await unfinished(input.spec)) ?? (await record(input.spec));
        let told: { reassigned?: string[] } = {};
        const start = { cluster: cluster.name, ...startOf('build', input) };
        const build = await startBuild(db, start, {
          before: async (tx) => {
            told = toldMacs(await keepMacsApart(tx, cluster.name));
          },
          after: async (tx, { epoch }) => {
            const conditions = await conditionsWith(tx, cluster, building);
            await setPhase(tx, cluster.name, 'building', conditions, epoch);
          },
        });
        return { ...(await scopeOf(db, cluster, build)), ...told };
      });
    },
  };

  /** A cluster that an earlier operation left unfinished, if its spec is the same. */
  async function unfinished(spec: ClusterSpec): Promise<ClusterRecord | undefined> {
    const recorded = await findPlan(db, spec.name);
    if (!recorded) return undefined;
    if (takeUpState(recorded, spec) === 'unfinished') return recorded.cluster;
    throw new Failure('Conflict', `cluster ${spec.name} exists already, and is ready`, {
      help: `\`mvc status ${spec.name}\` shows it`,
    });
  }

  async function record(spec: ClusterSpec): Promise<ClusterRecord> {
    const recorded = await planAndRecord(db, namesOf(spec), async (ledger) => ({
      spec,
      installation,
      plan: (await planNew(db, spec, ledger, installation)).plan,
    }));
    return recorded.cluster;
  }
}

const building = {
  status: false,
  reason: 'Building',
  message: 'the build is going on',
};
