import type { ClusterProgress } from '../workflows/messages.ts';
import type { StepRecord } from '../domain/cluster.ts';
import { formatDuration, printable, printLine } from './output.ts';

/** How often a running step says something on a terminal that cannot be rewritten. */
const noteEveryMs = 5_000;

/**
 * Shows an operation as it goes: a line per finished step, and one line on what runs now, rewritten
 * on a terminal and repeated every few seconds elsewhere.
 */
export class ProgressView {
  private readonly shown = new Map<string, string>();
  private readonly begun = Date.now();
  private lastNote = 0;
  private statusLine = false;
  private readonly terminal = process.stdout.isTTY;

  show(progress: ClusterProgress & { notes: string[] }): void {
    for (const record of progress.steps) this.showStep(record);
    this.showRunning(progress);
  }

  end(): void {
    this.clearStatus();
  }

  private showStep(record: StepRecord): void {
    const state =
      record.error !== undefined ? 'failed' : record.finishedAt === undefined ? 'running' : 'done';
    const key = `${record.step} ${record.site ?? ''}`;
    if (state === 'running' || this.shown.get(key) === state) return;
    this.shown.set(key, state);
    this.clearStatus();
    const took = formatDuration((record.finishedAt ?? Date.now()) - record.startedAt);
    const mark = state === 'done' ? '✓' : '✗';
    printLine(
      `${mark} ${record.step.padEnd(10)} ${(record.site ?? 'all sites').padEnd(20)} ${took.padStart(11)}${record.error ? `  ${record.error}` : ''}`,
    );
  }

  private showRunning(progress: ClusterProgress & { notes: string[] }): void {
    const running = progress.steps.filter((each) => each.finishedAt === undefined);
    const names = [...new Set(running.map((each) => each.step))].join(', ');
    const detail = progress.notes[0] ?? progress.message;
    const text = `… ${formatDuration(Date.now() - this.begun)}  ${names || progress.phase}${detail ? `: ${detail}` : ''}`;
    if (this.terminal) {
      this.clearStatus();
      process.stdout.write(printable(text).slice(0, (process.stdout.columns ?? 80) - 1));
      this.statusLine = true;
    } else if (Date.now() - this.lastNote > noteEveryMs) {
      this.lastNote = Date.now();
      printLine(text);
    }
  }

  private clearStatus(): void {
    if (!this.statusLine) return;
    process.stdout.write('\r\u001b[K');
    this.statusLine = false;
  }
}
