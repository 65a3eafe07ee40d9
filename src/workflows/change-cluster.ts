import { ApplicationFailure } from '@temporalio/workflow';
import { z } from 'zod';
import { isMendable, type Finding } from '../domain/drift.ts';
import { clusterNameSchema, siteNameSchema, vmNameSchema } from '../domain/names.ts';
import type { OperationScope, SiteShare } from '../domain/operation.ts';
import type { ChangeKind, ChangeResult } from '../domain/results.ts';
import { control, waitingAtSite } from './activities.ts';
import { askedBy } from './asked-by.ts';
import { ClusterOperation } from './cluster-operation.ts';
import { converge, drainNodes, guestOf } from './converge.ts';
import { parseWorkflowInput, requireClusterWorkflowId } from './failures.ts';
import { lookAtCluster, lookAtSite } from './look.ts';
import { endWatch, keepWatch } from './watching.ts';
import { refreshFacts } from './site-facts.ts';
import { stopVms } from './site-steps.ts';

interface Change extends Pick<ChangeResult, 'phase' | 'summary' | 'findings'> {
  /** What is still amiss. */
  amiss?: Finding[];
}

const scaleSchema = z.strictObject({
  name: clusterNameSchema,
  /** Site → number of computes from now on. */
  sites: z.record(siteNameSchema, z.int().min(0).max(1000)),
});
const repairSchema = z.strictObject({
  name: clusterNameSchema,
  /** Also give the overlay another key, at all its sites. */
  newKey: z.boolean().default(false),
});
const powerSchema = z.strictObject({ name: clusterNameSchema, vm: vmNameSchema.optional() });

/** How long a frontend may take to shut down before its power is cut. */
const shutDownMs = 90_000;

/** Adds computes to a cluster that is there, or removes some; the others are not touched. */
export async function scaleCluster(input: unknown): Promise<ChangeResult> {
  const { name, sites } = parseWorkflowInput(scaleSchema, input);
  return change(name, 'scale', { sites }, async (operation) => {
    const leaving = await leavingOf(operation);
    const { started, missing } = await converge(operation, { prove: 'started' });
    const staying = await leavingOf(operation);
    const gone = leaving.filter((name) => !staying.includes(name));
    const parts = [
      ...(started.length > 0 ? [`${countOf(started.length, 'VM')} started`] : []),
      ...(gone.length > 0 ? [`${countOf(gone.length, 'VM')} left`] : []),
    ];
    const summary = parts.join(', ') || 'nothing was to be changed';
    return { phase: 'ready', summary, amiss: missing };
  });
}

/** Compares what should be with what is, and mends just that. */
export async function repairCluster(input: unknown): Promise<ChangeResult> {
  const { name, newKey } = parseWorkflowInput(repairSchema, input);
  return change(name, 'repair', {}, async (operation) => {
    const whole = operation.recorded;
    const repaired = await repair(operation);
    if (!newKey) return repaired;
    await renewKey(operation, whole, repaired.amiss ?? []);
    return { ...repaired, summary: `${repaired.summary}; the overlay has a new key` };
  });
}

/** Powers a whole cluster down, its frontend last; or one compute, once its jobs have ended. */
export async function stopCluster(input: unknown): Promise<ChangeResult> {
  const { name, vm } = parseWorkflowInput(powerSchema, input);
  return change(name, 'stop', meantVm(vm), (operation) => stop(operation, vm));
}

/** Powers up what `stopCluster` powered down. */
export async function startCluster(input: unknown): Promise<ChangeResult> {
  const { name, vm } = parseWorkflowInput(powerSchema, input);
  return change(name, 'start', meantVm(vm), async (operation) => {
    const { started, missing } = await converge(operation, { prove: 'started' });
    const summary = `${countOf(started.length, 'VM')} started`;
    return { phase: 'ready', summary, amiss: missing };
  });
}

async function change(
  cluster: string,
  kind: ChangeKind,
  request: { sites?: Record<string, number>; vm?: string },
  body: (operation: ClusterOperation) => Promise<Change>,
): Promise<ChangeResult> {
  requireClusterWorkflowId(cluster);
  const operation = new ClusterOperation(cluster, kind, 'changing');
  const { board } = operation;
  return operation.run(
    async () => {
      // VMs that join must get MACs that nobody has by now.
      if (kind === 'scale') await refreshFacts((await control.listSites()).sites);
      operation.take(await control.beginOperation({ cluster, kind, ...request, ...askedBy() }));
      const { amiss = [], ...done } = await body(operation);
      const { phase, summary } = done;
      const { steps } = board.progress;
      const scope = operation.recorded;
      await control.finishChange({ scope, steps, phase, message: summary, amiss });
      await watchAs(cluster, phase);
      board.setPhase(phase, summary);
      return { cluster, kind, ...done };
    },
    async ({ outcome, message }) => {
      const { steps } = board.progress;
      const scope = operation.recorded;
      await control.closeBuild({ scope, outcome, error: message, abandoned: false, steps });
    },
  );
}

async function leavingOf({ recorded }: ClusterOperation): Promise<string[]> {
  return (await control.frontendShare({ operation: recorded.operation })).leaving;
}

async function watchAs(cluster: string, phase: Change['phase']): Promise<void> {
  const watched = await control.watchedCluster({ cluster });
  if (phase === 'stopped' || !watched) await endWatch(cluster);
  else await keepWatch(cluster, watched.watch.everyMinutes);
}

/** Mends what answers at once; a site that does not is waited for, since nobody knows what is amiss there. */
async function repair(operation: ClusterOperation): Promise<Change> {
  const scope = operation.recorded;
  const findings = await lookAtCluster(scope);
  const givenUp = new Set<string>();
  let found = findings;
  for (;;) {
    const away = found.filter(({ kind }) => kind === 'site').map(({ site }) => site);
    // That the scheduler misses the nodes of a site that is away says nothing of them.
    const amiss = found.filter((each) => isMendable(each) && !away.includes(each.site));
    if (amiss.length > 0) await mend(operation, scope, amiss);
    const silent = away.filter((site) => !givenUp.has(site));
    if (silent.length === 0) break;
    await Promise.all(silent.map((site) => askUntilItAnswers(operation, site, givenUp)));
    found = (await lookAtCluster(wholeOf(operation, scope))).filter(({ site }) =>
      silent.includes(site),
    );
  }
  const left = findings.length === 0 ? [] : await lookAtCluster(wholeOf(operation, scope));
  return { phase: 'ready', summary: summaryOf(findings, left), findings, amiss: left };
}

/** All sites, under the operation's newest epoch. */
function wholeOf({ recorded }: ClusterOperation, { sites }: OperationScope): OperationScope {
  return { ...recorded, sites };
}

async function mend(
  operation: ClusterOperation,
  scope: OperationScope,
  amiss: Finding[],
): Promise<void> {
  const restart: Record<string, string[]> = {};
  for (const { site, name } of amiss.filter(isLostNode)) (restart[site] ??= []).push(name);
  // What is mended elsewhere needs the supernode and the frontend.
  const affected = new Set([scope.origin, ...amiss.map((finding) => finding.site)]);
  const sites = scope.sites.filter((site) => affected.has(site));
  operation.scope = { ...operation.recorded, sites };
  await converge(operation, { prove: 'started', restart });
}

/**
 * Containers take a changed key at their next handshake, minutes later at most: until then packets flow by
 * the sessions that are there. So all must have it soon, and one that is away would be cut off.
 *
 * @throws {ApplicationFailure} Unreachable while a site is away.
 */
async function renewKey(
  operation: ClusterOperation,
  whole: OperationScope,
  amiss: Finding[],
): Promise<void> {
  const away = amiss.find(({ kind }) => kind === 'site');
  if (away) {
    throw ApplicationFailure.nonRetryable(
      `the overlay keeps its key: ${away.message}`,
      'Unreachable',
    );
  }
  const { operation: fenced } = operation.recorded;
  await operation.steps.run('overlay key', undefined, () =>
    control.renewOverlayKey({ operation: fenced }),
  );
  operation.scope = wholeOf(operation, whole);
  await converge(operation, { prove: 'started' });
}

async function askUntilItAnswers(
  { steps, recorded: { operation } }: ClusterOperation,
  site: string,
  givenUp: Set<string>,
): Promise<void> {
  const share = await control.siteShare({ operation, site });
  await steps.run('look', site, async () => void (await lookAtSite(share)), {
    skip: async () => void givenUp.add(site),
  });
}

/** A compute that runs, but serves no work: it is stateless, so that a fresh start mends it. */
function isLostNode({ kind, name }: Finding): boolean {
  return kind === 'node' && name !== 'frontend';
}

function summaryOf(findings: Finding[], left: Finding[]): string {
  if (findings.length === 0) return 'nothing was amiss';
  const amiss = findings.filter(isMendable).length;
  const nothing = findings.some(({ kind }) => kind === 'site')
    ? 'nothing was amiss at the sites that answered'
    : 'nothing was amiss that a repair can mend';
  return [
    amiss === 0 ? nothing : `mended what was amiss (${amiss})`,
    ...left.map((finding) => `still: ${finding.message}`),
  ].join('; ');
}

async function stop(operation: ClusterOperation, vm: string | undefined): Promise<Change> {
  const { recorded: scope, steps } = operation;
  const share = await control.frontendShare({ operation: scope.operation });
  if (vm !== undefined) {
    await steps.run('drain', undefined, () => drainNodes(scope, share, [vm]), {
      skip: async () => undefined,
    });
  }
  const shares = await Promise.all(
    scope.sites.map((site) => control.siteShare({ operation: scope.operation, site })),
  );
  await Promise.all(
    shares.map(async (each) => {
      const computes = meantAt(each, 'compute', vm);
      if (computes.length === 0) return;
      await steps.run('computes off', each.site.name, () => stopVms(each, computes), {
        skip: async () => undefined,
      });
    }),
  );
  if (vm !== undefined) {
    return { phase: 'ready', summary: `VM ${vm} is off`, amiss: await lookAtCluster(scope) };
  }
  for (const each of shares) {
    for (const frontend of meantAt(each, 'frontend', undefined)) {
      const guest = guestOf(scope.operation, share);
      await steps.run('frontend off', each.site.name, () =>
        waitingAtSite(each.site.name, 2 * shutDownMs).shutDownVm({
          guest,
          vm: frontend,
          timeoutMs: shutDownMs,
        }),
      );
    }
  }
  return { phase: 'stopped', summary: 'all VMs are off' };
}

function meantAt(share: SiteShare, role: 'compute' | 'frontend', vm: string | undefined) {
  return share.stopped.filter(
    (each) => each.role === role && (vm === undefined || each.name === vm),
  );
}

function meantVm(vm: string | undefined): { vm?: string } {
  return vm === undefined ? {} : { vm };
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
