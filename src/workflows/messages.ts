import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { z } from 'zod';
import {
  clusterSpecSchema,
  stepNames,
  type ClusterPhase,
  type OperationKind,
  type StepName,
  type StepRecord,
} from '../domain/cluster.ts';
import type { ImageRef } from '../domain/image.ts';
import { siteNameSchema } from '../domain/names.ts';
import type { PlanChange } from '../domain/plan-change.ts';

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

/** What a watcher is shown. */
export interface ClusterProgress {
  cluster: string;
  operation: OperationKind;
  phase: ClusterPhase;
  steps: StepRecord[];
  message: string;
}
export const progressQuery = defineQuery<ClusterProgress>('progress');

/** As a person may type it into a form: all parked steps are meant unless step or site narrow them. */
export const resumeInputSchema = z.strictObject({
  step: z
    .enum(stepNames, {
      error: (issue) =>
        `step ${JSON.stringify(issue.input)} is unknown; known: ${stepNames.join(', ')}`,
    })
    .optional(),
  site: siteNameSchema.optional(),
  /** `skip` leaves the step out, where that is safe. */
  action: z.enum(['retry', 'skip']).default('retry'),
  /** A corrected spec: only what depends on the difference is done again. */
  spec: clusterSpecSchema.optional(),
});
export type ResumeInput = z.input<typeof resumeInputSchema>;

export interface ResumeResult {
  resumed: { step: StepName; site?: string }[];
  /** What the corrected spec changes. */
  change?: PlanChange;
}
export const resumeUpdate = defineUpdate<ResumeResult, [ResumeInput]>('resume');
/** The same without an answer, for scripts. */
export const resumeSignal = defineSignal<[ResumeInput]>('resume');
