import {
  CancellationScope,
  ChildWorkflowCancellationType,
  condition,
  isCancellation,
  log,
  ParentClosePolicy,
  startChild,
  type ChildWorkflowHandle,
} from '@temporalio/workflow';
import { clusterSiteWorkflowId } from '../domain/engine-names.ts';
import type { OperationScope } from '../domain/operation.ts';
import { buildSite } from './build-site.ts';
import {
  answerSignal,
  goSignal,
  type Answer,
  type Go,
  type Milestone,
  type SiteNews,
} from './messages.ts';
import { siteAttributes } from './progress.ts';
import type { StepListener } from './steps.ts';

/**
 * The site workflows of one operation, conducted by milestones: what must have been reached before
 * any goes on. If one fails, the others are cancelled and waited for.
 */
export class SiteChoir {
  readonly started = new Set<string>();
  private readonly scope: OperationScope;
  private readonly restart: Record<string, string[]>;
  private readonly listener: StepListener;
  private readonly reached = new Map<Milestone, Set<string>>();
  private readonly handles = new Map<string, ChildWorkflowHandle<typeof buildSite>>();

  /** @param restart site → names of running VMs that are stopped first, so that they start anew. */
  constructor(scope: OperationScope, listener: StepListener, restart: Record<string, string[]>) {
    this.scope = scope;
    this.listener = listener;
    this.restart = restart;
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
    this.handles.set(site, handle);
    await handle.result();
  }

  private async conduct(conduct: () => Promise<void>): Promise<void> {
    await condition(() => this.handles.size === this.scope.sites.length);
    await conduct();
  }

  hear(news: SiteNews): void {
    news.steps.forEach(this.listener);
    for (const milestone of news.reached) this.sitesAt(milestone).add(news.site);
    for (const vm of news.started) this.started.add(vm);
  }

  reachedEverywhere(milestone: Milestone): boolean {
    return this.sitesAt(milestone).size === this.scope.sites.length;
  }

  /** Waits until every site has reached it. */
  async everywhere(milestone: Milestone): Promise<void> {
    await condition(() => this.reachedEverywhere(milestone));
  }

  /** Waits until the origin has reached it, if it has a part in this operation. */
  async atOrigin(milestone: Milestone): Promise<void> {
    const { origin, sites } = this.scope;
    if (sites.includes(origin)) await condition(() => this.sitesAt(milestone).has(origin));
  }

  /** Lets all sites go on. One that has ended needs no news: its end is what `sing` waits for. */
  async go(message: Go): Promise<void> {
    const handles = [...this.handles.values()];
    await Promise.all(
      handles.map(async (handle) => {
        try {
          await handle.signal(goSignal, message);
        } catch (error) {
          if (isCancellation(error)) throw error;
          log.info('a site that had ended was not told', { workflowId: handle.workflowId });
        }
      }),
    );
  }

  /** Passes on what a person says of a site's parked step. */
  async answer(site: string, answer: Answer): Promise<void> {
    await this.handles.get(site)?.signal(answerSignal, answer);
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
      args: [{ site, operation, fresh, restart: this.restart[site] ?? [] }],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: `${operation.mark.cluster} at ${site}`,
      typedSearchAttributes: siteAttributes(operation.mark.cluster, site),
    });
  }
}
