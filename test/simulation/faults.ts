import { setTimeout as virtualSleep } from './engine/timers.ts';
import { Failure, type FailureKind } from '../../src/domain/failure.ts';
import { currentAttempt, never } from './engine/attempt.ts';
import type { ActivityCall, AttemptPlan, EnginePlan } from './engine/plan.ts';
import type { Random } from './engine/random.ts';
import { storeAway, type StoreWeather } from './store/tables.ts';

/** What goes wrong at one question to a site or to the store. */
export type CallFault =
  'none' | 'error before' | 'error after' | 'stall' | 'killed before' | 'killed after' | 'refused';

/** What goes wrong in a run, and how often. */
export interface FaultSource extends EnginePlan {
  siteCall(site: string, verb: string): CallFault;
  storeCall(name: string): CallFault;
  /** Milliseconds that a question to a site, or a statement, takes. */
  siteDelayMs(): number;
  storeDelayMs(): number;
  /** Milliseconds that a stalled attempt is cut off: longer than any heartbeat time-out. */
  stallMs(): number;
  refusal(): Failure;
}

const passing: FailureKind[] = ['Unreachable', 'Timeout', 'CommandFailed', 'Busy'];
const lasting: FailureKind[] = ['Forbidden', 'HostKeyChanged', 'AccessDenied', 'NoCapacity'];

/** Drawn from the seed, while they are on. */
export class RandomFaults implements FaultSource {
  on = true;
  private readonly random: Random;
  /** 1 is a bad day. */
  private readonly level: number;

  constructor(random: Random) {
    this.random = random;
    this.level = random.pick([0, 0.3, 1, 1, 2, 4]);
  }

  attempt(_call: ActivityCall): AttemptPlan {
    const failure = () => new Failure(this.random.pick(passing), 'it failed as the seed has it');
    return this.draw<AttemptPlan>({ kind: 'run' }, [
      [0.012, () => ({ kind: 'twice' })],
      [0.004, () => ({ kind: 'fails', failure: failure() })],
      [0.004, () => ({ kind: 'answer lost', failure: failure() })],
      [0.004, () => ({ kind: 'killed before the effect' })],
      [0.004, () => ({ kind: 'killed after the effect' })],
      [0.004, () => ({ kind: 'killed before the answer' })],
    ]);
  }

  forget(): boolean {
    return this.on && this.random.chance(0.004 * this.level);
  }

  siteCall(): CallFault {
    return this.draw<CallFault>('none', [
      [0.02, () => 'error before'],
      [0.02, () => 'error after'],
      [0.006, () => 'stall'],
      [0.004, () => 'killed before'],
      [0.004, () => 'killed after'],
      [0.0015, () => 'refused'],
    ]);
  }

  storeCall(): CallFault {
    return this.draw<CallFault>('none', [
      [0.004, () => 'error before'],
      [0.004, () => 'error after'],
      [0.001, () => 'stall'],
      [0.001, () => 'killed before'],
      [0.001, () => 'killed after'],
    ]);
  }

  siteDelayMs(): number {
    return this.random.chance(0.05) ? this.random.int(500, 20_000) : this.random.int(5, 150);
  }

  storeDelayMs(): number {
    return this.random.chance(0.3) ? this.random.int(1, 30) : 0;
  }

  stallMs(): number {
    return this.random.int(26_000, 300_000);
  }

  refusal(): Failure {
    return new Failure(this.random.pick(lasting), 'the site refuses, as the seed has it', {
      help: 'wait until the seed is in a better mood',
    });
  }

  private draw<T>(otherwise: T, faults: [number, () => T][]): T {
    if (!this.on || this.level === 0) return otherwise;
    let left = this.random.next() / this.level;
    for (const [probability, make] of faults) {
      left -= probability;
      if (left < 0) return make();
    }
    return otherwise;
  }
}

/** One question to the outside, with what the faults make of it. The effect is at once, and whole. */
export async function ask<T>(
  faults: FaultSource,
  fault: CallFault,
  delayMs: number,
  effect: () => Promise<T> | T,
  failure: () => Failure,
  signal?: AbortSignal,
): Promise<T> {
  const attempt = currentAttempt();
  if (attempt?.dead) await never;
  if (delayMs > 0) await virtualSleep(delayMs, undefined, signal ? { signal } : {});
  if (fault === 'error before') throw failure();
  if (fault === 'refused') throw faults.refusal();
  if (fault === 'killed before') attempt?.kill();
  if (fault === 'stall' && attempt) {
    attempt.cutOff();
    await virtualSleep(faults.stallMs());
  }
  if (attempt?.dead) await never;
  const result = await effect();
  if (attempt?.diesAfterEffect || fault === 'killed after') attempt?.kill();
  if (attempt?.dead) await never;
  if (fault === 'error after') throw failure();
  return result;
}

/**
 * The store's part of the faults.
 *
 * @param written called after each statement and transaction.
 */
export function storeWeather(
  faults: FaultSource,
  log: (line: string) => void,
  written: () => void,
): StoreWeather {
  return {
    wrap(name, effect) {
      const fault = faults.storeCall(name);
      if (fault !== 'none') log(`  fault: store ${name}: ${fault}`);
      const noted = async () => {
        const result = await effect();
        written();
        return result;
      };
      return ask(faults, fault, faults.storeDelayMs(), noted, storeAway);
    },
  };
}
