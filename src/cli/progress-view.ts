import type { WatchedProgress } from '../client/watched.ts';
import { formatDuration, printLine, printLines } from './output.ts';
import { ProgressLines } from './progress-lines.ts';
import type { TimeLeft } from './time-left.ts';

/** How often something is said on a terminal that cannot be rewritten: of what runs, of what waits. */
const noteEveryMs = { busy: 5_000, waiting: 60_000 };

/**
 * Shows an operation as it goes where nothing can be rewritten: a line per step that ended or parked,
 * and every few seconds one on what runs now.
 */
export class ProgressView {
  private readonly lines = new ProgressLines(Date.now());
  private readonly left: TimeLeft | undefined;
  private lastNote = 0;

  constructor(left?: TimeLeft) {
    this.left = left;
  }

  show(progress: WatchedProgress): void {
    const now = Date.now();
    const { lines, status, busy } = this.lines.next(progress, now);
    const left = this.left?.(progress, now);
    printLines(lines);
    if (now - this.lastNote <= (busy ? noteEveryMs.busy : noteEveryMs.waiting)) return;
    this.lastNote = now;
    printLine(left === undefined ? status : `${status} (about ${formatDuration(left)} left)`);
  }

  end(): void {}
}
