import type { Estimate } from '../domain/estimate.ts';
import { formatDuration } from './output.ts';

/** How long something should take, and what that rests on, as a sentence. */
export function estimateLine(estimate: Estimate | undefined, kind: 'build' | 'scale'): string {
  if (!estimate) return `no estimate yet: no ${kind} of this shape was recorded`;
  const { basis, operations, totalMs } = estimate;
  const others = `${operations} ${estimate.kind}${operations === 1 ? '' : 's'}`;
  const ground =
    basis === 'same'
      ? `${others} of this shape`
      : `what its sites took in ${others} of other shapes`;
  return `should take about ${formatDuration(totalMs)}, by ${ground}`;
}
