import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { StepName, StepRecord } from '../domain/cluster.ts';
import type { ImageRef } from '../domain/image.ts';
import type { ClusterProgress, ResumeInput, ResumeResult } from '../domain/progress.ts';

/** What sites wait for before they go on: `drained` and `frontend` of one, the rest of all. */
export type Milestone = 'drained' | 'reserved' | 'supernode' | 'frontend' | 'started' | 'proved';

/** From a site's workflow to its cluster's: steps that changed, milestones reached. */
export interface SiteNews {
  site: string;
  steps: StepRecord[];
  reached: Milestone[];
  /** VMs that were started by this operation. */
  started: string[];
}

/** From the cluster's workflow to its sites': these milestones are reached. */
export interface Go {
  reached: Milestone[];
  image?: ImageRef;
}

/** From the cluster's workflow to a site's: what a person says of its parked step. */
export interface Answer {
  step: StepName;
  action: 'retry' | 'skip';
}

export const siteNewsSignal = defineSignal<[SiteNews]>('siteNews');
export const goSignal = defineSignal<[Go]>('go');
export const answerSignal = defineSignal<[Answer]>('answer');

export const progressQuery = defineQuery<ClusterProgress>('progress');

export const resumeUpdate = defineUpdate<ResumeResult, [ResumeInput]>('resume');
/** The same without an answer, for scripts. */
export const resumeSignal = defineSignal<[ResumeInput]>('resume');
