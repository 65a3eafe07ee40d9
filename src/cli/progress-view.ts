import type { WatchedProgress } from '../client/watched.ts';
import { printLine, printLines } from './output.ts';
import { ProgressLines } from './progress-lines.ts';

/** How often something is said on a terminal that cannot be rewritten: of what runs, of what waits. */
const noteEveryMs = { busy: 5_000, waiting: 60_000 };

/**
 * Shows an operation as it goes where nothing can be rewritten: a line per step that ended or parked,
 * and every few seconds one on what runs now.
 */
export class ProgressView {
  private readonly lines = new ProgressLines(Date.now());
  private lastNote = 0;

  show(progress: WatchedProgress): void {
    const { lines, status, busy } = this.lines.next(progress, Date.now());
    printLines(lines);
    if (Date.now() - this.lastNote <= (busy ? noteEveryMs.busy : noteEveryMs.waiting)) return;
    this.lastNote = Date.now();
    printLine(status);
  }

  end(): void {}
}
