/** Whether one link is alive: from WireGuard's counters, and from probes where they leave a doubt. */
export interface Liveness {
  alive: boolean;
  /** When the other end was last heard, by a counter or a message. */
  heardAt: number;
  /** Probes without an answer so far; none when the link is not in doubt. */
  doubt?: { sent: number; sentAt: number };
  /** When it was last given up, or first looked at. */
  deadSince: number;
  rttMs?: number;
}

/** A packet that is not answered within this time makes a doubt. Somewhat less than 500: timers are late. */
const quietMs = 480;
const probeMs = 300;
const probes = 3;
/**
 * Idle links are asked so often. Those with relays carry what finds the others; direct ones only have to be
 * kept open, and most NATs forget a flow after 30 s or more.
 */
export const idleMs = { relay: 10_000, direct: 20_000 };

export function newLiveness(now: number): Liveness {
  return { alive: false, heardAt: -Infinity, deadSince: now };
}

/** The other end has answered us: packets pass both ways. */
export function proved(link: Liveness, now: number, rttMs?: number): Liveness {
  const { doubt: _settled, ...rest } = link;
  const rtt = rttMs === undefined ? link.rttMs : smooth(link.rttMs, rttMs);
  return { ...rest, alive: true, heardAt: now, ...(rtt === undefined ? {} : { rttMs: rtt }) };
}

/** Something came from the other end. It revives no link: that we are heard too must be proved. */
export function heard(link: Liveness, now: number): Liveness {
  if (!link.alive) return { ...link, heardAt: now };
  const { doubt: _settled, ...rest } = link;
  return { ...rest, heardAt: now };
}

/** Packets were sent since the counters were last read, and none were received. */
export function unanswered(link: Liveness, now: number): Liveness {
  if (!link.alive || link.doubt || now - link.heardAt < quietMs) return link;
  return { ...link, doubt: { sent: 0, sentAt: -Infinity } };
}

export function lost(link: Liveness, now: number): Liveness {
  if (!link.alive) return link;
  const { doubt: _settled, ...rest } = link;
  return { ...rest, alive: false, deadSince: now };
}

/**
 * What is due now: another probe, or to give the link up.
 *
 * @param idle milliseconds after which an idle link is asked.
 */
export function tick(
  link: Liveness,
  now: number,
  idle: number,
): { link: Liveness; probe: boolean } {
  if (!link.alive) return { link, probe: false };
  const doubt = link.doubt ?? (now - link.heardAt >= idle ? firstDoubt : undefined);
  if (!doubt || now - doubt.sentAt < probeMs - 20) return { link, probe: false };
  if (doubt.sent >= probes) return { link: lost(link, now), probe: false };
  return { link: { ...link, doubt: { sent: doubt.sent + 1, sentAt: now } }, probe: true };
}

const firstDoubt = { sent: 0, sentAt: -Infinity };

function smooth(before: number | undefined, value: number): number {
  return before === undefined ? value : before * 0.75 + value * 0.25;
}
