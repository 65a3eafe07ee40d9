/** Escape sequences by which a program moves the cursor or colours its text. */
// oxlint-disable-next-line no-control-regex -- they begin with a control character
const escapes = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
/** So much of what was shown last is looked for in what has come since. */
const knownLength = 256;

/** The lines of a console without what steers a terminal; a line that was overwritten counts as its last text. */
export function consoleLines(text: string): string[] {
  const lines = text.replaceAll(escapes, '').split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => line.replace(/\r+$/, '').split('\r').at(-1) ?? '');
}

/**
 * What has been written since: both are the ends of one console, the second a later one.
 *
 * @returns all of it, with `gap` set, if what was there before is no longer in it.
 */
export function freshPart(before: string, now: string): { text: string; gap: boolean } {
  if (before === '') return { text: now, gap: false };
  if (now.startsWith(before)) return { text: now.slice(before.length), gap: false };
  const known = before.slice(-knownLength);
  const at = now.lastIndexOf(known);
  return at < 0 ? { text: now, gap: true } : { text: now.slice(at + known.length), gap: false };
}
