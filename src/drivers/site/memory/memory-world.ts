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
  /** A job runs on the VM of this name, until told otherwise. */
  setBusy(vm: string, busy: boolean): void;
  /** Somebody else's domain. */
  addForeignDomain(site: string, domain: ForeignDomain): void;
  /** Ends the VM as a crash would. */
  crash(site: string, vm: string): void;
  /** Takes the VM away, as somebody at the site could. */
  removeDomain(site: string, vm: string): void;
  /** The VM's edge is dead until the overlay is applied again. */
  killEdge(site: string, vm: string): void;
  /** The supernodes at the site are dead until they are ensured again. */
  killSupernode(site: string): void;
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
      if (fault?.delayMs) await sleep(fault.delayMs, undefined, signal ? { signal } : {});
      if (fault?.when === 'before') throw fault.failure;
      const outcome = store.change((world, tell) => takeEffect(world, call, effect, tell));
      if ('error' in outcome) throw outcome.error;
      if (fault?.when === 'after') throw fault.failure;
      return outcome.answer;
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
    setBusy: (vm, busy) =>
      knob((state) => {
        state.busy = toggled(state.busy, vm, busy);
      }),
    addForeignDomain: (site, domain) =>
      knob((state) => siteState(state, site).domains.push(foreign(domain))),
    crash: (site, vm) =>
      knob((state) => {
        for (const domain of siteState(state, site).domains) {
          if (domain.mark?.vm === vm) domain.power = 'crashed';
        }
      }),
    removeDomain: (site, vm) =>
      knob((state) => {
        const at = siteState(state, site);
        at.domains = at.domains.filter((domain) => domain.mark?.vm !== vm);
      }),
    killEdge: (site, vm) =>
      knob((state) => {
        for (const each of siteState(state, site).edges) if (each.edge.vm === vm) each.dead = true;
      }),
    killSupernode: (site) =>
      knob((state) => {
        const at = siteState(state, site);
        at.deadSupernodes = at.supernodes.map((mark) => mark.clusterId);
      }),
    look: () => store.change((state) => structuredClone(state)),
    events: () => store.events(),
  };
}

type Outcome<T> = { answer: T } | { error: unknown };

/**
 * An effect that fails halfway leaves the site as it was, but for the operation that was noted; one that
 * the epoch refuses has not begun. A failure is returned, so that the store keeps what was noted.
 */
function takeEffect<T>(
  world: WorldState,
  call: WorldCall,
  effect: (change: WorldChange) => T,
  tell: (event: WorldEvent) => void,
): Outcome<T> {
  const site = siteState(world, call.site);
  let before: MemorySiteState | undefined;
  const told: WorldEvent[] = [];
  try {
    if (call.operation) checkEpoch(site, call.operation, call.changes);
    if (call.changes) before = structuredClone(site);
    const answer = effect({
      site,
      world,
      tell: (done, clusterId, name) =>
        told.push({ at: Date.now(), site: call.site, clusterId, effect: done, name }),
    });
    told.forEach(tell);
    return { answer };
  } catch (error) {
    if (before) world.sites[call.site] = before;
    return { error };
  }
}

interface Struck {
  when: Fault['when'];
  failure: Failure;
  delayMs?: number;
}

function nextFault(state: WorldState, call: WorldCall): Struck | undefined {
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
    ...(fault.delayMs === undefined ? {} : { delayMs: fault.delayMs }),
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
