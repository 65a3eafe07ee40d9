import type { WatchedProgress } from '../client/watched.ts';
import { printable, printLine, printLines } from './output.ts';
import { ProgressLines } from './progress-lines.ts';

/** How often something is said on a terminal that cannot be rewritten: of what runs, of what waits. */
const noteEveryMs = { busy: 5_000, waiting: 60_000 };

/**
 * Shows an operation as it goes: a line per step that ended or parked, and one line on what runs
 * now, rewritten on a terminal and repeated every few seconds elsewhere.
 */
export class ProgressView {
  private readonly lines = new ProgressLines(Date.now());
  private lastNote = 0;
  private statusLine = false;
  private readonly terminal = process.stdout.isTTY;

  show(progress: WatchedProgress): void {
    const { lines, status, busy } = this.lines.next(progress, Date.now());
    if (lines.length > 0) this.clearStatus();
    printLines(lines);
    if (this.terminal) this.rewriteStatus(status);
    else if (Date.now() - this.lastNote > (busy ? noteEveryMs.busy : noteEveryMs.waiting)) {
      this.lastNote = Date.now();
      printLine(status);
    }
  }

  end(): void {
    this.clearStatus();
  }

  private rewriteStatus(text: string): void {
    this.clearStatus();
    process.stdout.write(printable(text).slice(0, (process.stdout.columns ?? 80) - 1));
    this.statusLine = true;
  }

  private clearStatus(): void {
    if (!this.statusLine) return;
    process.stdout.write('\r\u001b[K');
    this.statusLine = false;
  }
}
