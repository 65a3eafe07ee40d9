import { Failure } from '../domain/failure.ts';

/**
 * Reads `beach=3` words.
 *
 * @returns site → number of computes.
 * @throws {Failure} BadInput naming the word.
 */
export function parseSiteCounts(words: string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) {
    const [, site, count] = /^([^=]+)=(\d+)$/.exec(word) ?? [];
    if (site === undefined || count === undefined) {
      throw new Failure(
        'BadInput',
        `${word}: write SITE=N, N the number of computes it is to have`,
      );
    }
    if (counts.has(site)) throw new Failure('BadInput', `site ${site} is named twice`);
    counts.set(site, Number(count));
  }
  return Object.fromEntries(counts);
}
