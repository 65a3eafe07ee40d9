import { Context } from '@temporalio/activity';
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { n2nInsecureReason, type ClusterSpec, type Condition } from '../../domain/cluster.ts';
import { Failure } from '../../domain/failure.ts';
import type { OperationScope } from '../../domain/operation.ts';
import { isInsecure } from '../../domain/overlay.ts';
import type { Ledger, SurveyedSite } from '../../domain/plan-input.ts';
import { MacTaken, planCluster, type ClusterPlan } from '../../domain/plan.ts';
import { checkRolls } from '../../rolls/rolls.ts';
import { listBuilds, startBuild, type BuildRecord } from '../../store/builds.ts';
import { findCluster, setPhase, type ClusterRecord } from '../../store/clusters.ts';
import type { Database } from '../../store/database.ts';
import { readLedger } from '../../store/ledger.ts';
import { planAndRecord } from '../../store/plans.ts';
import { findOverlay } from '../../store/overlays.ts';
import { findSite } from '../../store/sites.ts';
import { activity } from '../activity.ts';
import type { ControlDependencies } from './dependencies.ts';

const planAttempts = 5;

/** Activities that decide and record what an operation will do, before any site is asked for it. */
export function createPlanActivities(dependencies: ControlDependencies) {
  const { db, installation } = dependencies;
  return {
    /** The plan that a build would record now. */
    async previewPlan(input: { spec: ClusterSpec }): Promise<ClusterPlan> {
      return activity(async () => {
        if (await findCluster(db, input.spec.name)) throw clusterExists(input.spec.name);
        const names = input.spec.sites.map((site) => site.name);
        return plan(input.spec, await readLedger(db, names));
      });
    },

    /** Fails if a build of this spec could not be recorded, before any site is asked. */
    async refuseExisting(input: { spec: ClusterSpec }): Promise<void> {
      return activity(async () => {
        await takeUp(input.spec);
        checkRolls(input.spec.rolls);
      });
    },

    /** Records a new cluster's plan, or takes up the recorded one of a build that did not finish. */
    async recordPlan(input: { spec: ClusterSpec }): Promise<OperationScope> {
      return activity(async () => {
        const cluster = (await takeUp(input.spec)) ?? (await record(input.spec));
        const build = await startBuild(db, {
          cluster: cluster.name,
          kind: 'build',
          runId: runId(),
        });
        const building = {
          type: 'Ready',
          status: false,
          reason: 'Building',
          message: 'the build is going on',
        } as const;
        const conditions = [building, ...(await insecurity(db, cluster.name))];
        await setPhase(db, cluster.name, 'building', conditions, build.epoch);
        return scopeOf(cluster, build);
      });
    },

    /** Undefined if no such cluster is recorded. */
    async beginDestroy(input: { cluster: string }): Promise<OperationScope | undefined> {
      return activity(async () => {
        const cluster = await findCluster(db, input.cluster);
        if (!cluster) return undefined;
        const build = await startBuild(db, {
          cluster: cluster.name,
          kind: 'destroy',
          runId: runId(),
        });
        await setPhase(db, cluster.name, 'destroying', [], build.epoch);
        return scopeOf(cluster, build);
      });
    },
  };

  /** A cluster that an earlier build left unfinished, if its spec is the same. */
  async function takeUp(spec: ClusterSpec): Promise<ClusterRecord | undefined> {
    const cluster = await findCluster(db, spec.name);
    if (!cluster) return undefined;
    if (cluster.phase === 'ready') throw clusterExists(spec.name);
    if (cluster.phase === 'destroying') {
      throw new Failure('Conflict', `cluster ${spec.name} is half destroyed`, {
        help: `finish that first: \`mvc destroy ${spec.name}\``,
      });
    }
    if (isDeepStrictEqual(cluster.spec, spec)) return cluster;
    throw new Failure('Conflict', `an unfinished cluster ${spec.name} with another spec exists`, {
      help: `build it again with the same spec to go on, or \`mvc destroy ${spec.name}\` first`,
    });
  }

  async function record(spec: ClusterSpec): Promise<ClusterRecord> {
    const names = spec.sites.map((site) => site.name);
    const recorded = await planAndRecord(db, names, async (ledger) => ({
      spec,
      installation,
      plan: await plan(spec, ledger),
    }));
    return recorded.cluster;
  }

  async function plan(spec: ClusterSpec, ledger: Ledger): Promise<ClusterPlan> {
    checkRolls(spec.rolls);
    const sites = await Promise.all(spec.sites.map((site) => surveyed(site.name)));
    for (let attempt = 1; ; attempt += 1) {
      try {
        return planCluster({ spec, clusterId: randomBytes(6).toString('hex'), sites, ledger });
      } catch (error) {
        // Another id gives other MACs; a clash of 24 random bits does not happen five times.
        if (!(error instanceof MacTaken) || attempt === planAttempts) throw error;
      }
    }
  }

  async function surveyed(name: string): Promise<SurveyedSite> {
    const found = await findSite(db, name);
    if (found?.facts) return { site: found.site, facts: found.facts };
    throw new Failure('BadInput', `site ${name} is not registered`, {
      help: '`mvc site add` registers a site',
    });
  }

  async function scopeOf(cluster: ClusterRecord, build: BuildRecord): Promise<OperationScope> {
    const builds = await listBuilds(db, cluster.name);
    const earlier = builds.some(
      (each) => each.clusterId === cluster.id && each.runId !== build.runId,
    );
    return {
      operation: {
        mark: { installation, cluster: cluster.name, clusterId: cluster.id },
        epoch: build.epoch,
      },
      buildId: build.id,
      origin: cluster.spec.origin,
      sites: cluster.spec.sites.map((site) => site.name),
      rolls: cluster.spec.rolls,
      fresh: !earlier,
    };
  }
}

function clusterExists(name: string): Failure {
  return new Failure('Conflict', `cluster ${name} exists already`, {
    help: `\`mvc status ${name}\` shows it; \`mvc destroy ${name}\` removes it`,
  });
}

function runId(): string {
  const { workflowExecution } = Context.current().info;
  if (!workflowExecution) throw new Failure('Protocol', 'this activity belongs to a workflow');
  return workflowExecution.runId;
}

/** A condition for an overlay that authenticates nobody; the spec had to accept that by name. */
export async function insecurity(db: Database, cluster: string): Promise<Condition[]> {
  const overlay = await findOverlay(db, cluster);
  if (!overlay || !isInsecure(overlay)) return [];
  return [{ type: 'Secure', status: false, reason: 'InsecureOverlay', message: n2nInsecureReason }];
}
