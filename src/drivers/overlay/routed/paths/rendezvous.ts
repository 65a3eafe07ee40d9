import type { Endpoint } from './config.ts';

/** How the other end's direct device may be reached. `seen`: as a relay sees it, which brings both together. */
export type Candidate =
  { kind: 'lan' | 'public'; endpoint: Endpoint; delayMs: number } | { kind: 'seen' };

/** How far this container is with one other in finding a direct path. */
export interface Pair {
  phase:
    | { kind: 'up' }
    | { kind: 'waiting'; until: number }
    | { kind: 'asking'; until: number }
    | { kind: 'trying'; endpoint: Endpoint; kicksAt: number[]; until: number };
  /** Which candidate is next. */
  next: number;
  /** How many times all candidates have failed. */
  failures: number;
}

export type PairAction =
  { kind: 'kick'; endpoint: Endpoint } | { kind: 'ask' } | { kind: 'forget' };

const attemptMs = 5000;
/** A relay that is asked to bring two together does so within a second. */
const askMs = 3000;
const firstWaitMs = 5000;
const longestWaitMs = 120_000;
/** The end that speaks second speaks once more: by then the other's first word has opened its NAT for sure. */
const secondKickMs = 2000;
/** Whoever has the higher number leaves the other end this time to begin. */
const courtesyMs = 1500;

/**
 * What this container tries with a peer. Only one end begins: two that begin at the same moment answer each
 * other's old handshakes and get none done.
 */
export function candidatesFor(
  self: number,
  peer: {
    number: number;
    lanEndpoint?: Endpoint | undefined;
    publicEndpoint?: Endpoint | undefined;
  },
): Candidate[] {
  const begins = self < peer.number;
  const { lanEndpoint: lan, publicEndpoint: open } = peer;
  return [
    ...(lan && begins ? [{ kind: 'lan' as const, endpoint: lan, delayMs: 0 }] : []),
    // The peer may know no such endpoint of ours: then it is for us to begin.
    ...(open
      ? [
          {
            kind: 'public' as const,
            endpoint: open,
            delayMs: begins ? 0 : courtesyMs + (lan ? attemptMs : 0),
          },
        ]
      : []),
    ...(begins ? [{ kind: 'seen' as const }] : []),
  ];
}

export function newPair(candidates: Candidate[], now: number): Pair {
  return { phase: { kind: 'waiting', until: now + delayOf(candidates[0]) }, next: 0, failures: 0 };
}

export function up(): Pair {
  return { phase: { kind: 'up' }, next: 0, failures: 0 };
}

/** The path is dead, or one of the ends is now somewhere else: what failed before may work now. */
export function again(candidates: Candidate[], now: number): Pair {
  return newPair(candidates, now);
}

/** A relay has told where the other end is seen. */
export function begin(pair: Pair, endpoint: Endpoint, inMs: number, now: number): Pair {
  const first = now + inMs;
  const kicksAt = inMs > 0 ? [first, first + secondKickMs] : [first];
  return { ...pair, phase: { kind: 'trying', endpoint, kicksAt, until: first + attemptMs } };
}

/** What is due now. */
export function tickPair(
  pair: Pair,
  candidates: Candidate[],
  now: number,
): { pair: Pair; action?: PairAction } {
  const { phase } = pair;
  switch (phase.kind) {
    case 'up':
      return { pair };
    case 'waiting':
      return now < phase.until ? { pair } : start(pair, candidates, now);
    case 'asking':
      return now < phase.until ? { pair } : { pair: failed(pair, candidates, now) };
    case 'trying': {
      const [kickAt, ...later] = phase.kicksAt;
      if (kickAt !== undefined && now >= kickAt) {
        const action = { kind: 'kick' as const, endpoint: phase.endpoint };
        return { pair: { ...pair, phase: { ...phase, kicksAt: later } }, action };
      }
      if (now < phase.until) return { pair };
      return { pair: failed(pair, candidates, now), action: { kind: 'forget' } };
    }
  }
}

function start(
  pair: Pair,
  candidates: Candidate[],
  now: number,
): { pair: Pair; action?: PairAction } {
  const candidate = candidates[pair.next];
  const until = now + attemptMs;
  // It is for the other end to begin.
  if (!candidate) return { pair: { ...pair, phase: { kind: 'waiting', until: Infinity } } };
  if (candidate.kind === 'seen') {
    return {
      pair: { ...pair, phase: { kind: 'asking', until: now + askMs } },
      action: { kind: 'ask' },
    };
  }
  const { endpoint } = candidate;
  return {
    pair: { ...pair, phase: { kind: 'trying', endpoint, kicksAt: [], until } },
    action: { kind: 'kick', endpoint },
  };
}

function failed(pair: Pair, candidates: Candidate[], now: number): Pair {
  const next = pair.next + 1;
  if (next < candidates.length) return { ...pair, phase: { kind: 'waiting', until: now }, next };
  const failures = pair.failures + 1;
  const wait = Math.min(firstWaitMs * 2 ** (failures - 1), longestWaitMs);
  const until = candidates.length > 0 ? now + wait : Infinity;
  return { phase: { kind: 'waiting', until }, next: 0, failures };
}

function delayOf(candidate: Candidate | undefined): number {
  return candidate && 'delayMs' in candidate ? candidate.delayMs : 0;
}
