import { editDistance } from '../domain/did-you-mean.ts';
import { storedNames, type NameSource } from './known-names.ts';

/** One edit in three letters is a slip; more is another word. */
const lettersPerEdit = 3;

/**
 * The recorded names that resemble those which an error message says there is not, as in
 * `there is no cluster demp` or `site alpin is not registered`.
 */
export async function suggestNames(
  message: string,
  source: NameSource = storedNames,
): Promise<string[]> {
  const missing = [...message.matchAll(/\b(cluster|site) ([a-z][a-z0-9-]*)/g)];
  if (missing.length === 0) return [];
  const known = await source.names();
  const near = missing.flatMap(([, what, name = '']) =>
    nearest(name, what === 'site' ? known.sites : known.clusters),
  );
  return [...new Set(near)];
}

/** The names that are likely meant by a misspelt one; none if it is among them itself. */
export function nearest(word: string, names: readonly string[]): string[] {
  if (names.includes(word)) return [];
  const most = Math.max(1, Math.floor(word.length / lettersPerEdit));
  const distances = names.map((name) => ({ name, edits: editDistance(word, name) }));
  const least = Math.min(...distances.map(({ edits }) => edits));
  if (least > most) return [];
  return distances.filter(({ edits }) => edits === least).map(({ name }) => name);
}
