import type { Estimate } from '../domain/estimate.ts';
import { formatDuration } from './output.ts';

/** How long something should take, and what that rests on, as a sentence. */
export function estimateLine(estimate: Estimate | undefined, kind: 'build' | 'scale'): string {
  if (!estimate) return `no estimate yet: no ${kind} of this shape was recorded`;
  if (estimate.image) return typicalLine(estimate, estimate.image);
  const { basis, operations, totalMs } = estimate;
  const others = `${operations} ${estimate.kind}${operations === 1 ? '' : 's'}`;
  const ground =
    basis === 'same'
      ? `${others} of this shape`
      : `what its sites took in ${others} of other shapes`;
  return `should take about ${formatDuration(totalMs)}, by ${ground}`;
}

/** Says what it rests on: the size of the image, each line that was measured, and what is left out. */
function typicalLine(
  { operations, totalMs }: Estimate,
  { bytes, lines }: NonNullable<Estimate['image']>,
): string {
  const measured = lines.flatMap(({ site, bytesPerSecond: rate }) =>
    rate === undefined ? [] : [`${(rate / 1e6).toFixed(1)} MB/s to ${site}`],
  );
  const unmeasured = lines.filter((line) => line.bytesPerSecond === undefined);
  const names = unmeasured.map(({ site }) => site).join(', ');
  const grounds = [
    ...(measured.length === 0
      ? []
      : [`${Math.round(bytes / 1e6)} MB of image at ${measured.join(', ')}`]),
    ...(unmeasured.length === 0
      ? []
      : [`not counted: the image on its way to ${names}, where none was sent yet`]),
    operations === 0
      ? 'the rest as on emulated CPUs; the image is not built yet, which comes on top'
      : `the rest as in ${operations} ${operations === 1 ? 'build' : 'builds'} at other sites`,
  ];
  const least = unmeasured.length === 0 ? 'about' : 'at least';
  return `should take ${least} ${formatDuration(totalMs)} (no past builds at these sites; ${grounds.join('; ')})`;
}
