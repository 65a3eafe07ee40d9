import { defaultRolls } from '../../domain/cluster.ts';
import type { ImageRef } from '../../domain/image.ts';
import { ok, warn, type Finding } from './check.ts';

/** @param rollsInUse of the recorded clusters. */
export async function checkImages(
  rollsInUse: string[][],
  find: (rolls: string[]) => Promise<ImageRef | undefined>,
): Promise<Finding[]> {
  const sets = new Map([defaultRolls, ...rollsInUse].map((rolls) => [rolls.join(', '), rolls]));
  const findings = [...sets].map(async ([name, rolls]) => {
    const image = await find(rolls);
    if (image) return ok('node image', `${name}: ${Math.round(image.size / 1e6)} MB, built`);
    const help = `the first create builds it, or do it now: mvc image build --roll ${rolls.join(' --roll ')}`;
    return warn('node image', `${name}: not built for this program yet`, help);
  });
  return Promise.all(findings);
}
