import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as realImmediate } from 'node:timers';
import type { Random } from './random.ts';

export interface Timer {
  cancel(): void;
}

interface Event {
  at: number;
  tie: number;
  seq: number;
  fire: () => void | Promise<void>;
  cancelled: boolean;
}

/** Where the virtual time begins. Milliseconds since 1970. */
const epochMs = Date.UTC(2026, 0, 1);
const RealDate = globalThis.Date;

/**
 * Virtual time: one queue of events. Real work is microtasks only, so between two events everything
 * that can go on has gone on. Events of one moment come in an order that differs by seed.
 */
export class Clock {
  now = epochMs;
  private readonly queue: Event[] = [];
  private readonly random: Random;
  private seq = 0;

  constructor(random: Random) {
    this.random = random;
  }

  get elapsedMs(): number {
    return this.now - epochMs;
  }

  get pending(): number {
    return this.queue.length;
  }

  /** Calls `fire` so many virtual milliseconds from now. */
  after(delayMs: number, fire: Event['fire']): Timer {
    const event: Event = {
      at: this.now + Math.max(0, Math.round(delayMs)),
      tie: this.random.next(),
      seq: (this.seq += 1),
      fire,
      cancelled: false,
    };
    push(this.queue, event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  /** Fires the next event and lets all of its consequences happen. False if there is none. */
  async step(): Promise<boolean> {
    for (;;) {
      const event = pop(this.queue);
      if (event === undefined) return false;
      if (event.cancelled) continue;
      this.now = event.at;
      await event.fire();
      await settle();
      return true;
    }
  }
}

/** Returns when no microtask is left. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    realImmediate(resolve);
  });
}

let current: Clock | undefined;

/** The clock that `Date` and the replaced timers follow, until another takes its place. */
export function setClock(clock: Clock | undefined): void {
  current = clock;
}

export function clock(): Clock {
  if (current) return current;
  throw new Error('no simulation is running');
}

/**
 * From here on `Date` follows the virtual clock while there is one, intervals never fire, and the
 * workflow library finds what its sandbox would have. Must be called before that is loaded.
 */
export function replaceGlobals(): void {
  const workflowTime = globalThis as { __TEMPORAL_ACTIVATOR__?: { now: number } };
  class VirtualDate extends RealDate {
    constructor(...args: unknown[]) {
      if (args.length === 0) super(VirtualDate.now());
      else super(...(args as [number]));
    }
    static override now(): number {
      // In a workflow that is replayed it is as late as it was.
      return workflowTime.__TEMPORAL_ACTIVATOR__?.now ?? current?.now ?? RealDate.now();
    }
  }
  globalThis.Date = VirtualDate as DateConstructor;
  // Heartbeats are played by the engine.
  globalThis.setInterval = (() => ({})) as unknown as typeof setInterval;
  globalThis.clearInterval = () => undefined;
  Object.assign(globalThis, { AsyncLocalStorage });
}

function before(a: Event, b: Event): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.tie === b.tie ? a.seq < b.seq : a.tie < b.tie;
}

function push(heap: Event[], event: Event): void {
  let index = heap.push(event) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    const above = heap[parent]!;
    if (!before(event, above)) break;
    heap[index] = above;
    index = parent;
  }
  heap[index] = event;
}

function pop(heap: Event[]): Event | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
    if (!before(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return top;
}
