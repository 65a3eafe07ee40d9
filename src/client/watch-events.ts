import { z } from 'zod';
import { operationKinds, stepNames, type StepRecord } from '../domain/cluster.ts';
import { vmPhases } from '../domain/heartbeat.ts';
import type { Upload, WatchedProgress } from './watched.ts';

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
    outcome: z.enum(['done', 'failed', 'skipped']),
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
type Common = Pick<WatchEvent, 'at' | 'cluster' | 'operation'>;

const uploadEveryMs = 2_000;

/** Turns one look after the other into what has changed between them. */
export class WatchEvents {
  private readonly steps = new Map<string, string>();
  private readonly vms = new Map<string, string>();
  private readonly uploads = new Map<string, { at: number; bytes: number }>();

  /** @param now milliseconds since 1970. */
  next(progress: WatchedProgress, now: number): WatchEvent[] {
    const { cluster, operation } = progress;
    const base = { at: now, cluster, operation };
    return [
      ...progress.steps.flatMap((record) => this.ofStep(record, base)),
      ...progress.vms.flatMap(({ name, site, phase }) => {
        if (this.vms.get(name) === phase) return [];
        this.vms.set(name, phase);
        return [{ event: 'vm' as const, ...base, vm: name, site, phase }];
      }),
      ...progress.uploads.flatMap((upload) => this.ofUpload(upload, base)),
    ];
  }

  private ofStep(record: StepRecord, base: Common): WatchEvent[] {
    const { step, site } = record;
    const key = `${step} ${site ?? ''}`;
    const before = this.steps.get(key);
    const state = stateOf(record);
    if (before === state) return [];
    this.steps.set(key, state);
    const common = { ...base, step, ...(site === undefined ? {} : { site }) };
    const change = changeOf(record, common);
    if (before !== undefined || change.event === 'step-started') return [change];
    // It began and ended between two looks, or before the first.
    return [startOf(record, common), change];
  }

  private ofUpload(upload: Upload, base: Common): WatchEvent[] {
    const last = this.uploads.get(upload.site);
    if (last?.bytes === upload.bytes) return [];
    const early = last !== undefined && base.at - last.at < uploadEveryMs;
    if (early && upload.bytes < upload.of) return [];
    this.uploads.set(upload.site, { at: base.at, bytes: upload.bytes });
    return [{ event: 'upload', ...base, ...upload }];
  }
}

function stateOf(record: StepRecord): string {
  if (record.parked) return `parked since ${record.parked.since}`;
  if (record.finishedAt !== undefined) return 'finished';
  return `running in round ${record.rounds ?? 1}`;
}

type StepCommon = Common & Pick<StepRecord, 'step' | 'site'>;

function startOf(record: StepRecord, common: StepCommon): WatchEvent {
  return { event: 'step-started', ...common, round: record.rounds ?? 1 };
}

function changeOf(record: StepRecord, common: StepCommon): WatchEvent {
  const { parked, finishedAt, startedAt, error } = record;
  if (parked) {
    const { kind, cause, help, nextTryAt } = parked;
    const next = nextTryAt === undefined ? {} : { nextTryAt };
    return { event: 'step-parked', ...common, kind, cause, help, ...next };
  }
  if (finishedAt === undefined) return startOf(record, common);
  return {
    event: 'step-finished',
    ...common,
    outcome: outcomeOf(record),
    tookMs: finishedAt - startedAt,
    ...(error === undefined ? {} : { error }),
  };
}

function outcomeOf({ skipped, error }: StepRecord): 'done' | 'failed' | 'skipped' {
  if (skipped) return 'skipped';
  return error === undefined ? 'done' : 'failed';
}
