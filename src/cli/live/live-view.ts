import type { WatchedProgress } from '../../client/watched.ts';
import { Painter } from './painter.ts';
import type { TimeLeft } from '../time-left.ts';
import { treeLines } from './tree.ts';

/** Between two frames: the elapsed time goes on while nothing else happens. */
const frameMs = 250;

/** Shows an operation as a tree that is rewritten in place. */
export class LiveView {
  private readonly stdout = process.stdout;
  private readonly painter: Painter;
  private readonly left: TimeLeft | undefined;
  private readonly watchedFrom = Date.now();
  private latest: WatchedProgress | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(left?: TimeLeft) {
    this.left = left;
    // Any value of NO_COLOR but the empty one, as no-color.org has it.
    this.painter = new Painter(this.stdout, !process.env['NO_COLOR']);
  }

  show(progress: WatchedProgress): void {
    this.latest = progress;
    this.timer ??= setInterval(this.draw, frameMs);
  }

  /** The last frame stays on the terminal. */
  end(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.draw();
    this.painter.leave();
  }

  private readonly draw = (): void => {
    if (!this.latest) return;
    const now = Date.now();
    // Whoever begins to watch later sees how long it has been going on, not since when he looks.
    const begun = Math.min(this.watchedFrom, ...this.latest.steps.map((each) => each.startedAt));
    this.painter.paint(
      treeLines(this.latest, {
        // A full line would make some terminals wrap, a full screen makes all of them scroll.
        columns: Math.max(1, (this.stdout.columns || 80) - 1),
        rows: Math.max(1, (this.stdout.rows || 24) - 1),
        now,
        begun,
        leftMs: this.left?.(this.latest, now),
      }),
    );
  };
}
