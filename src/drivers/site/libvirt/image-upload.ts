import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../domain/failure.ts';
import { physicalFrontend } from '../../../domain/site.ts';
import type { SentImage } from '../../../domain/site-line.ts';
import type { SiteDoor } from '../../../transport/site-door.ts';
import type { ImageSource, Watch } from '../site-driver.ts';

/**
 * Each chunk is a question of its own, so a window's worth of bytes is on its way per stream: with 2 MiB
 * in sshd, a few round trips and a process at the other end for each.
 */
const chunkBytes = 8 * 1024 ** 2;
const defaultStreams = 8;
const chunkTimeoutMs = 120_000;
const attemptsPerChunk = 3;

/**
 * Brings the image to the site's physical frontend. Chunks that arrived in an earlier attempt are not
 * sent again.
 *
 * @param streams chunks on their way at a time.
 * @returns what was sent in this attempt; undefined if all was there.
 */
export async function uploadImage(
  door: SiteDoor,
  image: ImageSource,
  watch: Watch = {},
  streams = defaultStreams,
): Promise<SentImage | undefined> {
  const { digest, size } = image;
  const signal = watch.signal ? { signal: watch.signal } : {};
  const state = await door.call(physicalFrontend, 'image.state', { digest }, signal);
  if (state.complete) return undefined;
  const here = new Set(state.chunks);
  const missing = offsets(size).filter((offset) => !here.has(offset));
  let bytes = size - missing.reduce((sum, offset) => sum + lengthAt(offset, size), 0);
  watch.progress?.({ bytes, of: size });
  const [before, began] = [bytes, performance.now()];

  const failed = new AbortController();
  const stop = AbortSignal.any([failed.signal, ...(watch.signal ? [watch.signal] : [])]);
  const file = await open(image.path, 'r');
  try {
    const sendAll = async () => {
      for (let offset = missing.shift(); offset !== undefined; offset = missing.shift()) {
        await sendChunk(door, file, image, offset, stop);
        bytes += lengthAt(offset, size);
        watch.progress?.({ bytes, of: size });
      }
    };
    const lanes = Array.from({ length: streams }, () =>
      sendAll().catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    );
    const ended = await Promise.allSettled(lanes);
    if (failed.signal.aborted) throw failed.signal.reason;
    const lost = ended.find((lane) => lane.status === 'rejected');
    if (lost) throw lost.reason;
  } finally {
    await file.close();
  }
  const tookMs = Math.round(performance.now() - began);
  const options = { ...signal, timeoutMs: chunkTimeoutMs };
  await door.call(physicalFrontend, 'image.finish', { digest, size }, options);
  return bytes === before ? undefined : { bytes: bytes - before, of: size, tookMs };
}

async function sendChunk(
  door: SiteDoor,
  file: FileHandle,
  { digest, size }: ImageSource,
  offset: number,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const length = lengthAt(offset, size);
  const body = Buffer.alloc(length);
  const { bytesRead } = await file.read(body, 0, length, offset);
  if (bytesRead !== length)
    throw new Failure('BadInput', 'the image file is shorter than its size');
  const chunkDigest = createHash('sha256').update(body).digest('hex');
  for (let attempt = 1; ; attempt += 1) {
    try {
      const chunk = { digest, size, offset, length, chunkDigest };
      const options = { body, signal, timeoutMs: chunkTimeoutMs };
      await door.call(physicalFrontend, 'image.chunk', chunk, options);
      return;
    } catch (error) {
      const passing = error instanceof Failure && error.retryable && !signal.aborted;
      if (!passing || attempt === attemptsPerChunk) throw error;
      await sleep(500 * attempt, undefined, { signal });
    }
  }
}

function offsets(size: number): number[] {
  return Array.from({ length: Math.ceil(size / chunkBytes) }, (_, index) => index * chunkBytes);
}

function lengthAt(offset: number, size: number): number {
  return Math.min(chunkBytes, size - offset);
}
