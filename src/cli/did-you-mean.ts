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

/** Letters to insert, remove, change, or swap with their neighbour, to make one word the other. */
export function editDistance(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, index) => index)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      const swapped = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1];
      row[j] = Math.min(
        at(i - 1, j) + 1,
        at(i, j - 1) + 1,
        at(i - 1, j - 1) + (same ? 0 : 1),
        swapped ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return at(one.length, other.length);
}
