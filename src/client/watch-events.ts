import { outcomeOf, type StepRecord } from '../domain/cluster.ts';
import type { WatchEvent } from '../domain/watch-event.ts';
import type { Upload, WatchedProgress } from './watched.ts';

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
