import { z } from 'zod';
import { siteNameSchema } from './names.ts';

/** The name of the header in which a workflow tells an activity of which step it is. */
export const stepHeader = 'mvc-step';

export const stepHeaderSchema = z.object({
  step: z.string().max(32),
  /** Absent for a step of the whole cluster. */
  site: siteNameSchema.optional(),
  /** Rounds of the step: 1, and one more each time that it was parked and went on. */
  round: z.int().min(1),
});
export type StepHeader = z.infer<typeof stepHeaderSchema>;
