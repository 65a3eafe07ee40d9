/** A link that ought to be there but is dead gets new handshakes. */
export interface Recovery {
  kicks: number;
  nextAt: number;
}

const eagerKicks = 8;
const slowMs = 5000;

/** @param patienceMs before the first one: WireGuard may be at it by itself. */
export function newRecovery(now: number, patienceMs: number): Recovery {
  return { kicks: 0, nextAt: now + patienceMs };
}

/**
 * Whether a new handshake is due. Their distance is not always the same: if the other end does so too, both
 * must not begin at the same moment again and again.
 */
export function tickRecovery(
  recovery: Recovery,
  now: number,
  random: number,
): { recovery: Recovery; kick: boolean } {
  if (now < recovery.nextAt) return { recovery, kick: false };
  const wait = recovery.kicks < eagerKicks ? 800 + 700 * random : slowMs + 1000 * random;
  return { recovery: { kicks: recovery.kicks + 1, nextAt: now + wait }, kick: true };
}
