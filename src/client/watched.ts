import { outcomeOf, type StepName, type StepRecord } from '../domain/cluster.ts';
import { uploadOf, type VmAtPhase } from '../domain/heartbeat.ts';
import type { ClusterProgress } from '../domain/progress.ts';
import { noteOf, type RunningActivity } from './running-activities.ts';

/** Something on its way to a site. Sizes in bytes. */
export interface Upload {
  site: string;
  bytes: number;
  of: number;
  /** Bytes per second over the last half minute; absent until it can be told. */
  rate?: number;
}

/** What a watcher sees at one moment: the steps, and what the running activities say. */
export interface WatchedProgress extends ClusterProgress {
  /** A sentence each. */
  notes: string[];
  activities: RunningActivity[];
  /** Every VM of which something was heard since the watching began, as it was last heard of. */
  vms: VmAtPhase[];
  uploads: Upload[];
}

interface Sample {
  at: number;
  bytes: number;
}

const rateOverMs = 30_000;

/** Puts looks at an operation together: how far VMs are, how fast uploads go. */
export class WatchMemory {
  private readonly vms = new Map<string, VmAtPhase>();
  private readonly samples = new Map<string, Sample[]>();

  /** @param now milliseconds since 1970. */
  next(progress: ClusterProgress, activities: RunningActivity[], now: number): WatchedProgress {
    for (const { heartbeat } of activities) {
      for (const vm of heartbeat.vms ?? []) this.vms.set(vm.name, vm);
    }
    this.conclude(progress.steps);
    return {
      ...progress,
      notes: activities.flatMap(sentence),
      activities,
      vms: [...this.vms.values()],
      uploads: this.uploads(activities, now),
    };
  }

  /** An activity that has ended says nothing more, but its step tells how it ended. */
  private conclude(steps: StepRecord[]): void {
    if (hasEndedWell(steps, 'frontend')) this.allIdle((name) => name === 'frontend');
    const computes = steps.find(({ step, site }) => step === 'computes' && site === undefined);
    if (computes && endedWell(computes)) this.allIdle((name) => name !== 'frontend');
  }

  private allIdle(which: (name: string) => boolean): void {
    for (const vm of this.vms.values()) {
      if (which(vm.name) && vm.phase !== 'drained') {
        this.vms.set(vm.name, { ...vm, phase: 'idle' });
      }
    }
  }

  private uploads(activities: RunningActivity[], now: number): Upload[] {
    return activities.flatMap(({ site, heartbeat }) => {
      const upload = uploadOf(heartbeat);
      if (!upload || site === undefined) return [];
      const rate = this.rate(site, { at: now, bytes: upload.bytes });
      return [{ site, ...upload, ...(rate === undefined ? {} : { rate }) }];
    });
  }

  /** From the changes that were seen: heartbeats come every few seconds, looks more often. */
  private rate(site: string, sample: Sample): number | undefined {
    const samples = this.samples.get(site) ?? [];
    const last = samples.at(-1);
    // Fewer bytes than before: another attempt.
    const kept = last && last.bytes > sample.bytes ? [] : samples;
    if (kept.at(-1)?.bytes !== sample.bytes) kept.push(sample);
    const recent = kept.filter(({ at }) => sample.at - at <= rateOverMs);
    this.samples.set(site, recent);
    const [first] = recent;
    const newest = recent.at(-1);
    if (!first || !newest || recent.length < 2) return undefined;
    return ((newest.bytes - first.bytes) * 1000) / (sample.at - first.at);
  }
}

function hasEndedWell(steps: StepRecord[], name: StepName): boolean {
  return steps.some((record) => record.step === name && endedWell(record));
}

function endedWell(record: StepRecord): boolean {
  return record.finishedAt !== undefined && outcomeOf(record) === 'done';
}

function sentence(activity: RunningActivity): string[] {
  const note = noteOf(activity);
  return note === undefined ? [] : [`${activity.name}${atSite(activity.site)}: ${note}`];
}

function atSite(site: string | undefined): string {
  return site === undefined ? '' : ` at ${site}`;
}
