import {
  CancellationScope,
  ChildWorkflowCancellationType,
  condition,
  ParentClosePolicy,
  startChild,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { clusterSiteWorkflowId } from '../domain/engine-names.ts';
import type { OperationScope } from '../domain/operation.ts';
import { buildSite } from './build-site.ts';
import { goSignal, type Go, type Milestone, type SiteNews } from './messages.ts';
import { siteAttributes, type StepListener } from './progress.ts';

/**
 * The site workflows of one build, conducted by milestones: what all must have reached before any
 * goes on. If one fails, the others are cancelled and waited for.
 */
export class SiteChoir {
  readonly started: string[] = [];
  private readonly scope: OperationScope;
  private readonly listener: StepListener;
  private readonly reached = new Map<Milestone, Set<string>>();
  private readonly handles: ChildWorkflowHandle<typeof buildSite>[] = [];

  constructor(scope: OperationScope, listener: StepListener) {
    this.scope = scope;
    this.listener = listener;
  }

  /** Runs all sites to their end, beside the conductor. */
  async sing(conduct: () => Promise<void>): Promise<void> {
    const cancellable = new CancellationScope();
    const results: Promise<unknown>[] = [];
    try {
      await cancellable.run(async () => {
        results.push(...this.scope.sites.map((site) => this.runSite(site)), this.conduct(conduct));
        await Promise.all(results);
      });
    } catch (error) {
      cancellable.cancel();
      await CancellationScope.nonCancellable(() => Promise.allSettled(results));
      throw error;
    }
  }

  private async runSite(site: string): Promise<void> {
    const handle = await this.start(site);
    this.handles.push(handle);
    await handle.result();
  }

  private async conduct(body: () => Promise<void>): Promise<void> {
    await condition(() => this.handles.length === this.scope.sites.length);
    await body();
  }

  hear(news: SiteNews): void {
    for (const record of news.steps) this.listener(record);
    for (const milestone of news.reached) this.sitesAt(milestone).add(news.site);
    this.started.push(...news.started);
  }

  reachedEverywhere(milestone: Milestone): boolean {
    return this.sitesAt(milestone).size === this.scope.sites.length;
  }

  /** Waits until every site has reached it. */
  async everywhere(milestone: Milestone): Promise<void> {
    await condition(() => this.reachedEverywhere(milestone));
  }

  /** Waits until one site (the origin) has reached it. */
  async anywhere(milestone: Milestone): Promise<void> {
    await condition(() => this.sitesAt(milestone).size > 0);
  }

  /** Lets all sites go on. None has ended before it was let go for the last time. */
  async go(message: Go): Promise<void> {
    await Promise.all(this.handles.map((handle) => handle.signal(goSignal, message)));
  }

  private sitesAt(milestone: Milestone): Set<string> {
    const sites = this.reached.get(milestone) ?? new Set();
    this.reached.set(milestone, sites);
    return sites;
  }

  private start(site: string): Promise<ChildWorkflowHandle<typeof buildSite>> {
    const { operation, fresh } = this.scope;
    return startChild(buildSite, {
      workflowId: clusterSiteWorkflowId(operation.mark.cluster, site),
      args: [{ site, operation, fresh }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${operation.mark.cluster} at ${site}`,
      typedSearchAttributes: siteAttributes(operation.mark.cluster, site),
    });
  }
}
