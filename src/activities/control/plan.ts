import { Context } from '@temporalio/activity';
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterSpec } from '../../domain/cluster.ts';
import { Failure } from '../../domain/failure.ts';
import type { OperationScope } from '../../domain/operation.ts';
import {
  MacTaken,
  planCluster,
  type ClusterPlan,
  type Ledger,
  type SurveyedSite,
} from '../../domain/plan.ts';
import { checkRolls } from '../../rolls/rolls.ts';
import { listBuilds, startBuild, type BuildRecord } from '../../store/builds.ts';
import { findCluster, setPhase, type ClusterRecord } from '../../store/clusters.ts';
import { readLedger } from '../../store/ledger.ts';
import { planAndRecord } from '../../store/plans.ts';
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

    /** Records a new cluster's plan, or takes up the recorded one of a build that did not finish. */
    async recordPlan(input: { spec: ClusterSpec }): Promise<OperationScope> {
      return activity(async () => {
        const cluster = (await takeUp(input.spec)) ?? (await record(input.spec));
        const build = await startBuild(db, {
          cluster: cluster.name,
          kind: 'build',
          runId: runId(),
        });
        await setPhase(db, cluster.name, 'building', conditionsOf(cluster.spec), build.epoch);
        return scopeOf(cluster, build);
      });
    },

    async beginDestroy(input: { cluster: string }): Promise<OperationScope> {
      return activity(async () => {
        const cluster = await findCluster(db, input.cluster);
        if (!cluster) {
          throw new Failure('NotFound', `there is no cluster ${input.cluster}`, {
            help: '`mvc list` shows the clusters',
          });
        }
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
      overlayKind: cluster.spec.overlay.kind,
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

/** What a person should know of a cluster that is being built. */
function conditionsOf(spec: ClusterSpec) {
  return [
    { type: 'Ready', status: false, reason: 'Building', message: 'the build is going on' } as const,
    ...insecurity(spec),
  ];
}

export function insecurity(spec: ClusterSpec) {
  if (!spec.overlay.insecure) return [];
  return [
    {
      type: 'Secure',
      status: false,
      reason: 'InsecureOverlay',
      message: 'the overlay authenticates nobody, as the spec accepts',
    } as const,
  ];
}
