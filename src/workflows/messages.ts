import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { ClusterPhase, StepRecord } from '../domain/cluster.ts';
import type { ImageRef } from '../domain/image.ts';

/** What all sites must have reached before any goes on. */
export type Milestone = 'reserved' | 'released' | 'supernode' | 'frontend' | 'started';

/** From a site's workflow to its cluster's: steps that changed, milestones reached. */
export interface SiteNews {
  site: string;
  steps: StepRecord[];
  reached: Milestone[];
  /** VMs that were started by this operation. */
  started: string[];
}

/** From the cluster's workflow to its sites': these milestones are reached everywhere. */
export interface Go {
  reached: Milestone[];
  image?: ImageRef;
}

export const siteNewsSignal = defineSignal<[SiteNews]>('siteNews');
export const goSignal = defineSignal<[Go]>('go');

/** What a watcher is shown. */
export interface ClusterProgress {
  cluster: string;
  operation: 'build' | 'destroy';
  phase: ClusterPhase;
  steps: StepRecord[];
  message: string;
}
export const progressQuery = defineQuery<ClusterProgress>('progress');
