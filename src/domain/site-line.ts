import type { StepRecord } from './cluster.ts';

/** What a site was sent of an image, and how long that took. Sizes in bytes. */
export interface SentImage {
  bytes: number;
  /** Of the whole image; more if a part was there already. */
  of: number;
  tookMs: number;
}

/** What is known of images and of the lines to sites. */
export interface KnownLines {
  /** Size of the image that was sent last, bytes; absent if none was. */
  imageBytes?: number;
  /** Site → bytes per second of the last upload that was long enough to tell. */
  bytesPerSecond: ReadonlyMap<string, number>;
}

/** Less is over before a line has shown what it can. */
const leastBytes = 4 * 1024 ** 2;

/** @param rows recorded operations, newest first, however they ended. */
export function knownLines(rows: readonly { steps: readonly StepRecord[] }[]): KnownLines {
  const uploads = rows.flatMap(({ steps }) =>
    steps.flatMap(({ site, sent }) => (sent && site !== undefined ? [{ site, ...sent }] : [])),
  );
  const rates = new Map<string, number>();
  for (const { site, bytes, tookMs } of uploads) {
    if (bytes < leastBytes || tookMs <= 0 || rates.has(site)) continue;
    rates.set(site, (bytes * 1000) / tookMs);
  }
  const imageBytes = uploads[0]?.of;
  return { ...(imageBytes === undefined ? {} : { imageBytes }), bytesPerSecond: rates };
}
