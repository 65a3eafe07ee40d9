import { median, type Measurement } from './measure.ts';
import type { Scenario } from './scenarios.ts';

/** All rounds of an overlay in one scenario. */
export interface OverlayResult {
  name: string;
  title: string;
  rounds: Measurement[];
}

export interface ScenarioResult {
  scenario: Scenario;
  overlays: OverlayResult[];
}

export function throughput({ rounds }: OverlayResult): number {
  return median(rounds.map((round) => round.mbitPerSecond));
}

export function roundTrip({ rounds }: OverlayResult): number {
  return median(rounds.map((round) => round.rttMs));
}

export function find({ overlays }: ScenarioResult, name: string): OverlayResult | undefined {
  return overlays.find((overlay) => overlay.name === name);
}

/**
 * How many times as fast, round by round: what slows the machine down for a while slows both alike.
 * Undefined if either was not measured.
 */
export function ratio(result: ScenarioResult, name: string, to: string): number | undefined {
  const [overlay, other] = [find(result, name), find(result, to)];
  if (!overlay || !other) return undefined;
  const each = overlay.rounds.map(
    (round, index) => round.mbitPerSecond / (other.rounds[index]?.mbitPerSecond ?? Number.NaN),
  );
  return median(each);
}
