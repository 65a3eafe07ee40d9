import { Failure } from '../../src/domain/failure.ts';
import {
  createMemoryWorld,
  type MemoryWorld,
  type WorldCall,
  type WorldChange,
} from '../../src/drivers/site/memory/memory-world.ts';
import type { WorldEvent, WorldState } from '../../src/drivers/site/memory/world-state.ts';
import type { Checker } from './checker.ts';
import { ask, type FaultSource } from './faults.ts';

export interface WatchedWorld {
  /** For the drivers. */
  world: MemoryWorld;
  /** What is there now; to be looked at, and for the seed to break. */
  readonly state: WorldState;
  away(site: string, away: boolean): void;
}

export interface WatchedWorldOptions {
  bootDelayMs: number;
  faults: FaultSource;
  checker: Checker;
  log: (line: string) => void;
  /** After each effect, with what was asked. */
  onCall?: (call: WorldCall, events: WorldEvent[]) => void;
}

/** The memory world of the product, with the seed's faults at every question and a check after every effect. */
export function watchWorld(options: WatchedWorldOptions): WatchedWorld {
  const { faults, checker, log } = options;
  const inner = createMemoryWorld({ bootDelayMs: options.bootDelayMs });
  let state: WorldState | undefined;

  function effectOf<T>(call: WorldCall, effect: (change: WorldChange) => T) {
    return (change: WorldChange): T => {
      state = change.world;
      const events: WorldEvent[] = [];
      const tell: WorldChange['tell'] = (done, clusterId, name) => {
        events.push({ at: Date.now(), site: call.site, clusterId, effect: done, name });
        change.tell(done, clusterId, name);
      };
      const result = effect({ ...change, tell });
      for (const { effect: done, name } of events) log(`* ${call.site}: ${done} ${name}`);
      checker.check(change.world, call, events);
      options.onCall?.(call, events);
      return result;
    };
  }

  const world: MemoryWorld = {
    ...inner,
    call: (call, effect) => {
      const fault = faults.siteCall(call.site, call.verb);
      if (fault !== 'none') log(`  fault: ${call.site} ${call.verb}: ${fault}`);
      return ask(
        faults,
        fault,
        faults.siteDelayMs(),
        () => inner.call({ ...call, delayMs: 0 }, effectOf(call, effect)),
        () => new Failure('Unreachable', `site ${call.site} failed in ${call.verb}`),
        call.watch?.signal,
      );
    },
  };
  return {
    world,
    get state() {
      state ??= inner.look();
      return state;
    },
    away(site, away) {
      log(`! site ${site} is ${away ? 'away' : 'back'}`);
      inner.setReachable(site, !away);
    },
  };
}
