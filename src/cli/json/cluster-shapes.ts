import { clusterPathsSchema } from '../../domain/overlay.ts';
import { z } from 'zod';
import type { StartedOperation } from '../../client/cluster-runs.ts';
import type { OperationResult } from '../../domain/results.ts';
import type { PlanPreview } from '../../domain/plan-change.ts';
import type { BuildRecord } from '../../store/builds.ts';
import type { ClusterRecord } from '../../store/clusters.ts';
import type { ResumeResult } from '../../domain/progress.ts';
import type { ClusterStatus } from '../cluster-status.ts';
import * as parts from './parts.ts';

const { milliseconds } = parts;

export const clusters: z.ZodType<ClusterRecord[]> = z.array(
  z.strictObject({
    name: z.string(),
    id: z.string(),
    installation: z.string(),
    spec: parts.clusterSpec,
    phase: parts.phase,
    conditions: z.array(parts.condition),
    epoch: z.int().describe('number of the last operation'),
    network: z.string(),
    mtu: z.int(),
    createdAt: milliseconds,
    readyAt: milliseconds.exactOptional(),
    image: z.strictObject({ digest: z.string(), size: z.int() }).exactOptional(),
    verify: parts.verifyReport.exactOptional(),
  }),
);

/** Of a build that is not recorded yet there are only name, phase, conditions and operation. */
export const clusterStatus: z.ZodType<ClusterStatus> = z.strictObject({
  name: z.string(),
  phase: parts.phase,
  conditions: z.array(parts.condition),
  network: z.string().exactOptional(),
  overlay: z
    .strictObject({
      kind: z.string(),
      version: z.string(),
      relayOnly: z.boolean(),
      mtu: z.int(),
      secure: z.boolean(),
      insecureReason: z.string().exactOptional(),
    })
    .exactOptional(),
  vms: z
    .array(
      parts.vm
        .pick({ name: true, site: true, container: true, mac: true, address: true, role: true })
        .extend({ state: z.string() }),
    )
    .exactOptional(),
  rtt: parts.verifyReport.shape.rtt.exactOptional().describe('as the last proof measured it'),
  operation: z
    .strictObject({
      kind: parts.operationKind,
      runId: z.string(),
      phase: parts.phase,
      message: z.string(),
      startedAt: milliseconds,
      parked: z.array(parts.parkedStep),
    })
    .exactOptional()
    .describe('what runs on it'),
  engineSilent: z.string().exactOptional().describe('why the engine could not be asked'),
  paths: clusterPathsSchema
    .exactOptional()
    .describe('overlay `routed`: how the VM containers reach each other'),
  uiUrl: z
    .string()
    .exactOptional()
    .describe('what runs on it in the web interface, or all that ran if nothing does'),
});

export const planPreview: z.ZodType<PlanPreview> = z.strictObject({
  plan: z.strictObject({
    cluster: z.string(),
    clusterId: z.string(),
    network: z.string(),
    vms: z.array(parts.vm),
    overlay: parts.overlayTable,
    warnings: z.array(z.string()),
  }),
  change: parts.planChange.exactOptional().describe('absent if there is no such cluster yet'),
  rooms: z.array(parts.containerRoom).exactOptional(),
  estimate: parts.estimate.exactOptional().describe('absent if nothing like it was recorded'),
  spec: parts.clusterSpec.exactOptional().describe('with --full'),
});

const started: z.ZodType<StartedOperation> = z
  .strictObject({ cluster: z.string(), runId: z.string() })
  .describe('with --no-watch');

const ended: z.ZodType<OperationResult> = z.union([
  z
    .strictObject({
      cluster: z.string(),
      phase: z.literal('ready'),
      report: parts.verifyReport,
      alreadyReady: z.literal(true).exactOptional(),
    })
    .describe('a build'),
  z
    .strictObject({
      cluster: z.string(),
      phase: z.enum(['ready', 'stopped']),
      kind: z.enum(['scale', 'repair', 'stop', 'start']),
      summary: z.string(),
      findings: z.array(parts.finding).exactOptional(),
    })
    .describe('a change'),
  z
    .strictObject({
      cluster: z.string(),
      phase: z.literal('destroyed'),
      emptySites: z.array(z.string()),
      left: z.array(z.string()).describe('a sentence for each site that was left out'),
    })
    .describe('a destroy'),
]);

const parked = z
  .strictObject({
    cluster: z.string(),
    operation: parts.operationKind,
    phase: z.literal('parked'),
    parked: z.array(parts.parkedStep),
  })
  .describe('what is left is parked; exit code 8');

export const operation = z.union([ended, parked, started]);

export const resumed: z.ZodType<ResumeResult> = z.strictObject({
  resumed: z.array(z.strictObject({ step: parts.step, site: z.string().exactOptional() })),
  change: parts.planChange.exactOptional().describe('with -f'),
});

export const cancelled = z.strictObject({
  cluster: z.string(),
  cancelled: parts.operationKind.exactOptional().describe('absent if nothing ran'),
});

export const history: z.ZodType<BuildRecord[]> = z.array(
  z.strictObject({
    id: z.string(),
    cluster: z.string(),
    clusterId: z.string(),
    kind: parts.operationKind,
    runId: z.string().describe('of the workflow'),
    epoch: z.int(),
    spec: parts.clusterSpec,
    steps: z.array(parts.stepRecord),
    startedAt: milliseconds,
    finishedAt: milliseconds.exactOptional(),
    outcome: z.enum(['succeeded', 'failed', 'cancelled']).exactOptional(),
    error: z.string().exactOptional(),
    askedBy: z.string().exactOptional().describe('absent if nobody said'),
  }),
);
