/**
 * Measures the largest packet that passes one path by padded probes: the largest first, which is enough where
 * it is answered; then twice all that are not answered.
 */
export interface MtuMeasurement {
  device: number;
  startAt: number;
  round: number;
  passed: number[];
}

/** IPv6, in which the containers speak to each other, asks for that much. */
export const smallestMtu = 1280;

const roundMs = 1000;
const rounds = 3;
export const mtuPeriodMs = 300_000;
/** After nothing at all has passed. */
export const mtuRetryMs = 5000;

export function newMeasurement(device: number, startAt: number): MtuMeasurement {
  return { device, startAt, round: 0, passed: [] };
}

export function sizesFor(mtu: number): number[] {
  return [...new Set([mtu, 1400, 1380, 1340, smallestMtu])].filter((size) => size <= mtu);
}

/** The sizes to probe now, or what came out. Nothing at all passed: no result, it is measured later. */
export function tickMeasurement(
  run: MtuMeasurement,
  mtu: number,
  now: number,
): { run: MtuMeasurement; probe: number[]; done?: { mtu?: number } } {
  const largest = Math.max(...run.passed);
  if (largest < mtu && now < run.startAt + run.round * roundMs) return { run, probe: [] };
  if (run.round >= rounds || largest === mtu) {
    return { run, probe: [], done: run.passed.length > 0 ? { mtu: largest } : {} };
  }
  // Smaller ones than one that passed need no second look.
  const open = run.round === 0 ? [mtu] : sizesFor(mtu).filter((size) => size > largest);
  return { run: { ...run, round: run.round + 1 }, probe: open };
}
