import type { StepRecord } from '../domain/cluster.ts';
import type { WatchedProgress } from '../client/watched.ts';
import { formatDuration } from './output.ts';
import { isRunning, parkedSentence, parkedSteps } from './parked.ts';

/** What is new since the last look, and what goes on at the moment. */
interface News {
  /** One per step that ended or parked. */
  lines: string[];
  status: string;
  /** Something runs; otherwise all waits. */
  busy: boolean;
}

/** Turns one look after the other into lines for a person. Times in milliseconds since 1970. */
export class ProgressLines {
  private readonly shown = new Map<string, string>();
  private readonly begun: number;

  constructor(begun: number) {
    this.begun = begun;
  }

  next(progress: WatchedProgress, now: number): News {
    const lines = progress.steps.flatMap((record) => this.newLine(record, now));
    return {
      lines,
      status: statusText(progress, now - this.begun),
      busy: progress.steps.length === 0 || progress.steps.some(isRunning),
    };
  }

  private newLine(record: StepRecord, now: number): string[] {
    const key = `${record.step} ${record.site ?? ''}`;
    const state = stateOf(record);
    if (this.shown.get(key) === state) return [];
    this.shown.set(key, state);
    return state === 'running' ? [] : [stepLine(record, now)];
  }
}

/** Differs for every round in which a step parks, so that each is told once. */
function stateOf(record: StepRecord): string {
  if (record.parked) return `parked since ${record.parked.since}`;
  if (record.finishedAt === undefined) return 'running';
  if (record.skipped) return 'skipped';
  return record.error === undefined ? 'done' : 'failed';
}

function stepLine(record: StepRecord, now: number): string {
  const [parked] = parkedSteps([record]);
  if (parked) return `‖ ${parkedSentence(parked, now)}`;
  const took = formatDuration((record.finishedAt ?? now) - record.startedAt);
  const columns = `${record.step.padEnd(12)} ${(record.site ?? 'all sites').padEnd(20)} ${took.padStart(11)}`;
  return `${markOf(record)} ${columns}${remark(record)}`;
}

function markOf(record: StepRecord): string {
  if (record.skipped) return '–';
  return record.error === undefined ? '✓' : '✗';
}

function remark({ rounds, attempts, skipped, error }: StepRecord): string {
  const parts = [
    ...(rounds === undefined ? [] : [`in round ${rounds}`]),
    ...(attempts === undefined ? [] : [`${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`]),
    ...(skipped ? ['left out'] : []),
    ...(error === undefined ? [] : [error]),
  ];
  return parts.length === 0 ? '' : `  ${parts.join(': ')}`;
}

function statusText(progress: WatchedProgress, elapsedMs: number): string {
  const running = namesOf(progress.steps.filter(isRunning));
  const parked = namesOf(parkedSteps(progress.steps));
  const what = running || (parked ? `parked: ${parked}` : progress.phase);
  const beside = running && parked ? ` (parked: ${parked})` : '';
  const detail = progress.notes[0] ?? progress.message;
  return `… ${formatDuration(elapsedMs)}  ${what}${beside}${detail ? `: ${detail}` : ''}`;
}

function namesOf(steps: { step: string }[]): string {
  return [...new Set(steps.map((each) => each.step))].join(', ');
}
