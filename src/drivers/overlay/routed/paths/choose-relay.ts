/** How a spoke sees its relays: one entry per relay, in the order of the configuration. */
export interface RelayView {
  /** Which device here. */
  device: number;
  alive: boolean;
  /** Bytes per second, as the relay told. */
  load: number;
}

export interface RelayChoice {
  device: number;
  since: number;
  /** Since when another relay has been much less loaded. */
  temptedSince?: number;
}

/** Loads that differ by less are the same. */
const noticeableLoad = 1_000_000;
const temptationMs = 30_000;
const restMs = 60_000;

/**
 * The relay that a spoke uses where it has the choice: the least loaded; those that are equal are spread over
 * the spokes by their numbers. It keeps to it, and leaves it when it is dead, or when another has had less
 * than half its load for half a minute.
 */
export function chooseRelay(
  relays: RelayView[],
  before: RelayChoice | undefined,
  self: number,
  now: number,
): RelayChoice {
  const first = relays[0]?.device ?? 1;
  const live = relays.filter((relay) => relay.alive);
  const current = live.find((relay) => relay.device === before?.device);
  const best = leastLoaded(live, self);
  if (!before || !current) {
    const device = best?.device ?? before?.device ?? first;
    return device === before?.device ? before : { device, since: now };
  }
  const { temptedSince, ...choice } = before;
  const better = best && best.device !== current.device && muchLess(best.load, current.load);
  if (!better || now - choice.since < restMs) return choice;
  const since = temptedSince ?? now;
  if (now - since < temptationMs) return { ...choice, temptedSince: since };
  return { device: best.device, since: now };
}

function leastLoaded(live: RelayView[], self: number): RelayView | undefined {
  const least = Math.min(...live.map((relay) => relay.load));
  const equal = live.filter((relay) => relay.load - least < noticeableLoad);
  return equal[self % equal.length];
}

function muchLess(load: number, than: number): boolean {
  return than - load >= noticeableLoad && load < than / 2;
}
