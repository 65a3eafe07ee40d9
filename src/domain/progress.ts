import { z } from 'zod';
import {
  clusterSpecSchema,
  stepNames,
  type ClusterPhase,
  type OperationKind,
  type StepName,
  type StepRecord,
} from './cluster.ts';
import { siteNameSchema } from './names.ts';
import type { PlanChange } from './plan-change.ts';

/** What a watcher is shown. */
export interface ClusterProgress {
  cluster: string;
  operation: OperationKind;
  phase: ClusterPhase;
  steps: StepRecord[];
  message: string;
}

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
