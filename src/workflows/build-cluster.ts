import { CancellationScope, isCancellation, log, setHandler } from '@temporalio/workflow';
import { clusterSpecSchema, type ClusterSpec, type VerifyReport } from '../domain/cluster.ts';
import type { FrontendShare, OperationScope } from '../domain/operation.ts';
import {
  atSite,
  atSiteSoon,
  control,
  longControl,
  provingAtSite,
  waitingAtSite,
} from './activities.ts';
import {
  messageOf,
  parseWorkflowInput,
  requireClusterWorkflowId,
  workflowFailure,
} from './failures.ts';
import { siteNewsSignal } from './messages.ts';
import { ProgressBoard, runStep } from './progress.ts';
import { SiteChoir } from './site-choir.ts';

/** All nodes boot at once, so this hardly grows with their number; emulated ones are slow. */
const nodesDeadlineMs = 20 * 60_000;

export interface BuildResult {
  cluster: string;
  phase: 'ready';
  report: VerifyReport;
}

/**
 * Builds a cluster, or goes on with one that a failed or cancelled build has left. Its input is the
 * cluster's spec as one JSON object; its id must be `cluster:<name>`.
 */
export async function buildCluster(input: unknown): Promise<BuildResult> {
  const spec = parseWorkflowInput(clusterSpecSchema, input);
  requireClusterWorkflowId(spec.name);
  const build = new Build(spec);
  try {
    return await build.run();
  } catch (error) {
    await CancellationScope.nonCancellable(() => build.close(error));
    if (isCancellation(error)) throw error;
    throw workflowFailure(error);
  }
}

class Build {
  private readonly spec: ClusterSpec;
  private readonly board: ProgressBoard;
  private scope: OperationScope | undefined;
  private choir: SiteChoir | undefined;

  constructor(spec: ClusterSpec) {
    this.spec = spec;
    this.board = new ProgressBoard(spec.name, 'build', 'building');
    setHandler(siteNewsSignal, (news) => this.choir?.hear(news), {
      description: 'Sent by the site workflows: steps and milestones.',
    });
  }

  async run(): Promise<BuildResult> {
    const { spec, board } = this;
    await control.refuseExisting({ spec });
    await this.surveySites();
    const scope = await control.recordPlan({ spec });
    this.scope = scope;
    board.setPhase('building', `${scope.sites.length} sites, origin ${scope.origin}`);

    const choir = new SiteChoir(scope, board.record);
    this.choir = choir;
    const share = await control.frontendShare({ operation: scope.operation });
    let since = 0;
    await choir.sing(async () => {
      const image = longControl.nodeImage.executeWithOptions({ summary: 'node image' }, [
        { operation: scope.operation, rolls: scope.rolls },
      ]);
      const imageTold = image.then((built) => choir.go({ reached: [], image: built }));
      // Its failure is met below; until then nobody waits for it, which would stop the whole run.
      imageTold.catch(() => undefined);
      await choir.everywhere('reserved');
      await choir.go({ reached: ['reserved'] });
      await choir.anywhere('supernode');
      await choir.go({ reached: ['supernode'] });
      await imageTold;
      await choir.anywhere('frontend');
      since = await atSite(share.site.name).frontendClock({ frontend: guestOf(scope, share) });
      await choir.go({ reached: ['frontend'] });
      await choir.everywhere('started');
    });
    await this.waitForNodes(scope, share, since);
    const report = await this.verify(scope, share);
    await control.finishBuild({ scope, steps: board.progress.steps, report });
    board.setPhase(
      'ready',
      `${share.computes.length} computes proved by a job and an MPI collective`,
    );
    return { cluster: spec.name, phase: 'ready', report };
  }

  /** Ends the build that failed or was cancelled. What exists is kept, for `mvc create` or `mvc destroy`. */
  async close(error: unknown): Promise<void> {
    const outcome = isCancellation(error) ? 'cancelled' : 'failed';
    const message = outcome === 'cancelled' ? 'cancelled; what exists is kept' : messageOf(error);
    this.board.setPhase(outcome, message);
    if (!this.scope) return;
    // Only if every site gave back what it gave is nothing left that a record would have to remember.
    const abandoned = this.scope.fresh && (this.choir?.reachedEverywhere('released') ?? true);
    const { steps } = this.board.progress;
    try {
      await control.closeBuild({ scope: this.scope, outcome, error: message, abandoned, steps });
    } catch (closing) {
      // The build's own error is the one that a person needs.
      log.warn('the end of the build could not be recorded', { error: messageOf(closing) });
    }
  }

  private async surveySites(): Promise<void> {
    const sites = await control.loadSites({ names: this.spec.sites.map((site) => site.name) });
    await Promise.all(
      sites.map((site) =>
        runStep(this.board.record, 'register', site.name, async () => {
          const facts = await atSiteSoon(site.name).describeSite({ site });
          await control.recordFacts({ facts });
        }),
      ),
    );
  }

  /** @param since frontend's clock before any compute was started, seconds. */
  private async waitForNodes(
    scope: OperationScope,
    share: FrontendShare,
    since: number,
  ): Promise<void> {
    const started = new Set(this.choir?.started);
    await runStep(this.board.record, 'computes', undefined, () =>
      waitingAtSite(share.site.name, nodesDeadlineMs).waitForNodes.executeWithOptions(
        { summary: `${share.computes.length} computes install themselves` },
        [
          {
            frontend: guestOf(scope, share),
            // A node that was running before this build need not have booted again.
            nodes: share.computes.map(({ name }) => ({
              name,
              since: started.has(name) ? since : 0,
            })),
            timeoutMs: nodesDeadlineMs,
          },
        ],
      ),
    );
  }

  private async verify(scope: OperationScope, share: FrontendShare): Promise<VerifyReport> {
    return runStep(this.board.record, 'verify', undefined, () =>
      provingAtSite(share.site.name).verifyCluster.executeWithOptions(
        { summary: 'job, MPI collective, MTU, round trips' },
        [{ frontend: guestOf(scope, share), nodes: share.computes, mtu: share.mtu }],
      ),
    );
  }
}

function guestOf(scope: OperationScope, share: FrontendShare) {
  return {
    site: share.site,
    operation: scope.operation,
    container: share.frontend.container,
    vm: share.frontend.name,
  };
}
