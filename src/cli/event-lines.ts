import type { OperationResult } from '../domain/results.ts';
import { WatchEvents } from '../client/watch-events.ts';
import type { WatchedProgress } from '../client/watched.ts';
import { toFailure } from '../domain/failure.ts';
import type { WatchEvent } from '../domain/watch-event.ts';

/** Prints an operation as one JSON object per line, for programs. */
export class EventLines {
  private readonly events = new WatchEvents();
  private base: Pick<WatchEvent, 'cluster' | 'operation'> | undefined;

  show(progress: WatchedProgress): void {
    this.base = { cluster: progress.cluster, operation: progress.operation };
    for (const event of this.events.next(progress, Date.now())) print(event);
  }

  succeeded(result: OperationResult): void {
    this.ended({ outcome: 'succeeded', result });
  }

  failed(error: unknown): void {
    const { kind, message } = toFailure(error);
    this.ended({ outcome: 'failed', kind, error: message });
  }

  end(): void {}

  private ended(how: { outcome: 'succeeded' | 'failed' } & Record<string, unknown>): void {
    if (this.base) print({ event: 'ended', at: Date.now(), ...this.base, ...how });
  }
}

function print(event: WatchEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}
