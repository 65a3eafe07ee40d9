import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, failureKinds } from '../../../domain/failure.ts';
import type { Operation } from '../../../domain/mark.ts';
import type { Watch } from '../site-driver.ts';
import { createFileStore, createVolatileStore } from './world-file.ts';
import {
  siteState,
  type Fault,
  type MemoryDomain,
  type MemorySiteState,
  type WorldEvent,
  type WorldState,
} from './world-state.ts';

/** What a verb does to a site of the world, at once and wholly, or not at all if it throws. */
export interface WorldChange {
  site: MemorySiteState;
  world: WorldState;
  tell: (effect: WorldEvent['effect'], clusterId: string, name: string) => void;
}

export interface WorldCall {
  site: string;
  verb: string;
  /** Milliseconds that the call takes. */
  delayMs: number;
  /** Refused if a later operation of its cluster was seen; noted if the verb changes something. */
  operation?: Operation;
  changes: boolean;
  watch?: Watch | undefined;
}

/** Memory sites and the overlays between them, with knobs for what goes wrong. */
export interface MemoryWorld {
  /** Milliseconds from a VM's start until it is up. */
  readonly bootDelayMs: number;
  /** For drivers: one question to a site, as slow and unreliable as the knobs have it. */
  call<T>(call: WorldCall, effect: (change: WorldChange) => T): Promise<T>;

  addFault(fault: Fault): void;
  setReachable(site: string, reachable: boolean): void;
  /** A VM of this name never comes up, however often it is started. */
  setStuck(vm: string, stuck: boolean): void;
  /** Somebody else's domain. */
  addForeignDomain(site: string, domain: ForeignDomain): void;
  /** Ends the VM as a crash would. */
  crash(site: string, vm: string): void;
  /** A copy of what is there now. */
  look(): WorldState;
  /** Everything that was changed since the world began, oldest first. */
  events(): WorldEvent[];
}

export interface ForeignDomain {
  container: string;
  name: string;
  macs?: string[];
  cpus?: number;
  memoryMiB?: number;
}

/** @param options.file keeps the world over the end of the process, and lets processes share it. */
export function createMemoryWorld(
  options: { file?: string; bootDelayMs?: number } = {},
): MemoryWorld {
  const store = options.file === undefined ? createVolatileStore() : createFileStore(options.file);
  const knob = (turn: (state: WorldState) => void) => store.change(turn);

  return {
    bootDelayMs: options.bootDelayMs ?? 0,

    async call(call, effect) {
      const { signal } = call.watch ?? {};
      signal?.throwIfAborted();
      if (call.delayMs > 0) await sleep(call.delayMs, undefined, signal ? { signal } : {});
      const fault = store.change((state) => nextFault(state, call));
      if (fault?.when === 'before') throw fault.failure;
      const result = store.change((world, tell) => {
        const site = siteState(world, call.site);
        if (call.operation) checkEpoch(site, call.operation, call.changes);
        return wholly(world, call, () => {
          const told: WorldEvent[] = [];
          const answer = effect({
            site,
            world,
            tell: (done, clusterId, name) =>
              told.push({ at: Date.now(), site: call.site, clusterId, effect: done, name }),
          });
          told.forEach(tell);
          return answer;
        });
      });
      if (fault) throw fault.failure;
      return result;
    },

    addFault: (fault) => knob((state) => state.faults.push(fault)),
    setReachable: (site, reachable) =>
      knob((state) => {
        state.unreachable = toggled(state.unreachable, site, !reachable);
      }),
    setStuck: (vm, stuck) =>
      knob((state) => {
        state.stuck = toggled(state.stuck, vm, stuck);
      }),
    addForeignDomain: (site, domain) =>
      knob((state) => siteState(state, site).domains.push(foreign(domain))),
    crash: (site, vm) =>
      knob((state) => {
        for (const domain of siteState(state, site).domains) {
          if (domain.mark?.vm === vm) domain.power = 'crashed';
        }
      }),
    look: () => store.change((state) => structuredClone(state)),
    events: () => store.events(),
  };
}

/** An effect that fails halfway leaves the site as it was. */
function wholly<T>(world: WorldState, call: WorldCall, action: () => T): T {
  const before = call.changes ? structuredClone(world.sites[call.site]) : undefined;
  try {
    return action();
  } catch (error) {
    if (before) world.sites[call.site] = before;
    throw error;
  }
}

function nextFault(
  state: WorldState,
  call: WorldCall,
): { when: Fault['when']; failure: Failure } | undefined {
  if (state.unreachable.includes(call.site)) {
    return { when: 'before', failure: new Failure('Unreachable', `site ${call.site} is away`) };
  }
  const fault = state.faults.find(
    (each) => (each.site ?? call.site) === call.site && (each.verb ?? call.verb) === call.verb,
  );
  if (!fault) return undefined;
  if ((fault.skip ?? 0) > 0) {
    fault.skip = (fault.skip ?? 0) - 1;
    return undefined;
  }
  fault.times = (fault.times ?? 1) - 1;
  if (fault.times <= 0) state.faults = state.faults.filter((each) => each !== fault);
  const kind = fault.kind ?? 'Unreachable';
  const help = failureKinds[kind].retry ? {} : { help: 'take the fault out of the memory world' };
  return {
    when: fault.when,
    failure: new Failure(kind, `site ${call.site} failed in ${call.verb} as told`, help),
  };
}

function checkEpoch(site: MemorySiteState, operation: Operation, changes: boolean): void {
  const { mark, epoch } = operation;
  const last = site.operations[mark.clusterId];
  if (last && last.mark.installation !== mark.installation) {
    throw new Failure('Conflict', `cluster ${mark.cluster} belongs to another controller`);
  }
  if (last && epoch < last.epoch) {
    throw new Failure(
      'StaleEpoch',
      `operation ${epoch} on cluster ${mark.cluster} came after operation ${last.epoch}`,
    );
  }
  if (changes) site.operations[mark.clusterId] = operation;
}

function toggled(names: string[], name: string, present: boolean): string[] {
  const others = names.filter((each) => each !== name);
  return present ? [...others, name] : others;
}

function foreign({ container, name, macs, cpus, memoryMiB }: ForeignDomain): MemoryDomain {
  return {
    container,
    name,
    uuid: `foreign-${container}-${name}`,
    macs: macs ?? [],
    cpus: cpus ?? 1,
    memoryMiB: memoryMiB ?? 512,
    power: 'running',
  };
}
