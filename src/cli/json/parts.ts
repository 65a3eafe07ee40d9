import { z } from 'zod';
import type { FailedInStep } from '../../domain/attempts.ts';
import {
  clusterPhases,
  clusterSpecSchema,
  operationKinds,
  stepNames,
  verifyReportSchema,
  type Condition,
  type Parked,
  type ParkedStep,
  type StepRecord,
} from '../../domain/cluster.ts';
import type { Finding } from '../../domain/drift.ts';
import type { Estimate } from '../../domain/estimate.ts';
import { failureKinds, type FailureKind } from '../../domain/failure.ts';
import { overlayTableSchema } from '../../domain/overlay.ts';
import type { PlanChange } from '../../domain/plan-change.ts';
import type { ContainerRoom } from '../../domain/plan-rooms.ts';
import { ownedThingSchema, siteFactsSchema, siteSchema } from '../../domain/site.ts';
import { vmSchema } from '../../domain/vm.ts';

/** A shape that occurs in several others, and is documented once, under this name. */
function part<S extends z.ZodType>(id: string, schema: S): S {
  return schema.meta({ id });
}

export const milliseconds = z.number().describe('milliseconds since 1970');
export const phase = part('Phase', z.enum(clusterPhases));
export const operationKind = part('OperationKind', z.enum(operationKinds));
const failureKind = part(
  'FailureKind',
  z.enum(Object.keys(failureKinds) as [FailureKind, ...FailureKind[]]),
);
export const step = part('Step', z.enum(stepNames));

export const clusterSpec = part('ClusterSpec', clusterSpecSchema);
export const verifyReport = part('VerifyReport', verifyReportSchema);
export const vm = part('Vm', vmSchema);
export const overlayTable = part('Overlay', overlayTableSchema);
export const site = part('Site', siteSchema);
export const siteFacts = part('SiteFacts', siteFactsSchema);

export const condition: z.ZodType<Condition> = part(
  'Condition',
  z.strictObject({
    type: z.enum(['Ready', 'Secure', 'Attention', 'Drift']),
    status: z.boolean(),
    reason: z.string(),
    message: z.string().describe('a sentence for a person'),
  }),
);

const parkedFields = {
  kind: failureKind,
  host: z.string().exactOptional(),
  cause: z.string(),
  help: z.string().describe('what to do'),
  since: milliseconds,
  nextTryAt: milliseconds.exactOptional(),
  skippable: z.boolean().describe('`mvc resume --skip` may leave it out'),
};
const parked: z.ZodType<Parked> = part('Parked', z.strictObject(parkedFields));
export const parkedStep: z.ZodType<ParkedStep> = part(
  'ParkedStep',
  z.strictObject({ ...parkedFields, step, site: z.string().exactOptional() }),
);

const failedInStep: z.ZodType<FailedInStep> = part(
  'FailedAttempts',
  z.strictObject({
    round: z.int(),
    activity: z.string().describe('the call that failed'),
    from: z.int().describe('number of the first attempt that failed so'),
    to: z.int().describe('number of the last, one after the other'),
    kind: failureKind,
    error: z.string(),
    host: z.string().exactOptional(),
    tookMs: z.number().exactOptional().describe('all of them; absent if their worker was lost'),
  }),
);

export const stepRecord: z.ZodType<StepRecord> = part(
  'StepRecord',
  z.strictObject({
    step,
    site: z.string().exactOptional().describe('absent for a step of the whole cluster'),
    startedAt: milliseconds,
    finishedAt: milliseconds.exactOptional(),
    error: z.string().exactOptional(),
    rounds: z.int().exactOptional(),
    attempts: z
      .int()
      .exactOptional()
      .describe('one per round, and one per repetition in it; absent if nothing failed'),
    failed: z.array(failedInStep).exactOptional().describe('attempts that failed, the newest 12'),
    sent: z
      .strictObject({ bytes: z.number(), of: z.number(), tookMs: z.number() })
      .exactOptional()
      .describe('of the step `image` at a site: what it was sent of the image'),
    parked: parked.exactOptional(),
    skipped: z.boolean().exactOptional(),
    note: z.string().exactOptional().describe('what a person should know of what was done'),
  }),
);

export const finding: z.ZodType<Finding> = part(
  'Finding',
  z.strictObject({
    site: z.string(),
    kind: z.enum(['site', 'vm', 'edge', 'supernode', 'node', 'mac']),
    name: z.string(),
    message: z.string().describe('a sentence for a person'),
  }),
);

export const planChange: z.ZodType<PlanChange> = part(
  'PlanChange',
  z.strictObject({
    spec: z.array(z.string()).describe('`sites.beach.computes: 1 → 3`'),
    added: z.array(vm),
    changed: z.array(vm).describe('stopped and made anew'),
    removed: z.array(z.string()).describe('names of VMs'),
  }),
);

const size = z.strictObject({ cpus: z.int(), memoryMiB: z.int() });
export const containerRoom: z.ZodType<ContainerRoom> = part(
  'Room',
  z.strictObject({ site: z.string(), container: z.string(), free: size, after: size }),
);
export const estimate: z.ZodType<Estimate> = part(
  'Estimate',
  z.strictObject({
    kind: operationKind,
    basis: z
      .enum(['same', 'similar', 'typical'])
      .describe('shape of the operations that it rests on'),
    operations: z.int().describe('how many those are'),
    totalMs: z.number(),
    closingMs: z.number(),
    steps: z.array(z.strictObject({ step, site: z.string().exactOptional(), costMs: z.number() })),
    image: z
      .strictObject({
        bytes: z.number(),
        lines: z.array(
          z.strictObject({ site: z.string(), bytesPerSecond: z.number().exactOptional() }),
        ),
      })
      .exactOptional()
      .describe('`typical` only: the image and the lines, as far as they were measured'),
  }),
);

/** Something at a site that carries our mark. */
export const thingAtSite = part('Thing', ownedThingSchema.extend({ site: z.string() }));
export const silentSites = z
  .array(z.strictObject({ site: z.string(), error: z.string() }))
  .describe('sites that did not answer');
