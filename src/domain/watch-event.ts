import { z } from 'zod';
import { operationKinds, stepNames, stepOutcomes } from './cluster.ts';
import { vmPhases } from './heartbeat.ts';

const common = {
  /** Milliseconds since 1970. */
  at: z.int(),
  cluster: z.string(),
  operation: z.enum(operationKinds),
};
const stepCommon = { ...common, step: z.enum(stepNames), site: z.string().optional() };

/** One line of `mvc watch --json`: one change of an operation. */
export const watchEventSchema = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('step-started'), ...stepCommon, round: z.int() }),
  z.strictObject({
    event: z.literal('step-parked'),
    ...stepCommon,
    kind: z.string(),
    cause: z.string(),
    help: z.string(),
    nextTryAt: z.number().optional(),
  }),
  z.strictObject({
    event: z.literal('step-finished'),
    ...stepCommon,
    outcome: z.enum(stepOutcomes),
    tookMs: z.number(),
    error: z.string().optional(),
  }),
  z.strictObject({
    event: z.literal('vm'),
    ...common,
    vm: z.string(),
    site: z.string(),
    phase: z.enum(vmPhases),
  }),
  /** Sizes in bytes, the rate in bytes per second. */
  z.strictObject({
    event: z.literal('upload'),
    ...common,
    site: z.string(),
    bytes: z.number(),
    of: z.number(),
    rate: z.number().optional(),
  }),
  /** The last line, unless the watching was stopped or lost. */
  z.strictObject({
    event: z.literal('ended'),
    ...common,
    outcome: z.enum(['succeeded', 'failed']),
    /** Of one that succeeded: what `mvc create --json` prints. */
    result: z.unknown().optional(),
    kind: z.string().optional(),
    error: z.string().optional(),
  }),
]);
export type WatchEvent = z.infer<typeof watchEventSchema>;
