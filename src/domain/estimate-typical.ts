import {
  estimateFromSteps,
  median,
  stepCosts,
  type Estimate,
  type OperationShape,
  type PastOperation,
  type StepEstimate,
} from './estimate.ts';
import { joinsContainers } from './overlay.ts';
import type { KnownLines } from './site-line.ts';

/** Of an image with the default rolls, where none was sent yet. */
const usualImageBytes = 180e6;

/** Seconds, where nothing was built yet: docs/benchmarks.md, on emulated CPUs; with KVM it is faster. The supernode is n2n's. */
const usual = {
  register: 2,
  reserve: 2,
  image: 5,
  supernode: 5,
  edges: 6,
  frontend: 17,
  computes: 40,
  verify: 22,
} as const;
type UsualStep = keyof typeof usual;

/**
 * Estimates a build of which no like was recorded, at one of its sites at least: its image by size and
 * measured lines, the rest as in the builds that there were, of whatever shape and sites.
 *
 * @param past newest first, those that went through smoothly.
 * @returns undefined for other kinds: what a scale takes depends on what it changes.
 */
export function estimateTypical(
  past: readonly PastOperation[],
  shape: OperationShape,
  { imageBytes = usualImageBytes, bytesPerSecond }: KnownLines,
): Estimate | undefined {
  if (shape.kind !== 'build') return undefined;
  const builds = past.filter((each) => each.shape.kind === 'build').slice(0, 5);
  const costs = builds.flatMap(stepCosts);
  const costOf = (step: UsualStep, ofSite: boolean): number => {
    if (step === 'supernode' && joinsContainers(shape.overlay)) return 0;
    const seen = costs.filter((each) => each.step === step && (each.site !== undefined) === ofSite);
    return seen.length > 0 ? median(seen.map(({ costMs }) => costMs)) : usual[step] * 1000;
  };
  const steps = shape.sites.flatMap(({ name }): StepEstimate[] => {
    const rate = bytesPerSecond.get(name);
    const sendMs = rate === undefined ? 0 : (imageBytes * 1000) / rate;
    const at = (step: UsualStep, costMs = costOf(step, true)) => ({ step, site: name, costMs });
    return [
      at('register'),
      at('reserve'),
      at('image', sendMs + usual.image * 1000),
      at('edges'),
      ...(name === shape.origin ? [at('supernode'), at('frontend')] : []),
    ];
  });
  const whole = (['computes', 'verify'] as const).map((step) => ({
    step,
    costMs: costOf(step, false),
  }));
  const lines = shape.sites.map(({ name }) => {
    const rate = bytesPerSecond.get(name);
    return { site: name, ...(rate === undefined ? {} : { bytesPerSecond: rate }) };
  });
  return {
    ...estimateFromSteps(shape.kind, 'typical', builds.length, [...steps, ...whole], 1000),
    image: { bytes: imageBytes, lines },
  };
}
