import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../domain/failure.ts';
import type { SiteVerbInput } from '../../domain/site-verbs.ts';
import { ignoreAbsent, syncDirectory } from '../../transport/durable-file.ts';
import { withLock } from '../host-lock.ts';

const finishWaitSeconds = 60;

/** Images of a host: `<digest>.img` is complete and checked; `<digest>.parts/` is on its way. */
export interface ImageStore {
  file(digest: string): string;
  isComplete(digest: string): Promise<boolean>;
  /** Offsets of the chunks that are here. */
  chunks(digest: string): Promise<number[]>;
  /** Chunks may come in any order, several at a time, and twice. */
  putChunk(chunk: SiteVerbInput<'image.chunk'>, bytes: Buffer): Promise<void>;
  /** @throws {Failure} CommandFailed if the whole has another digest; the chunks are then dropped. */
  finish(digest: string, size: number): Promise<void>;
  /** @throws {Failure} NoCapacity if the pool has not so many bytes left. */
  checkSpace(bytes: number): Promise<void>;
  /** Makes a file that came otherwise the image, if it is. */
  adopt(file: string, digest: string, size: number): Promise<void>;
}

export function createImageStore(pool: string): ImageStore {
  const directory = join(pool, 'images');
  const file = (digest: string) => join(directory, `${digest}.img`);
  const parts = (digest: string) => join(directory, `${digest}.parts`);
  const data = (digest: string) => join(parts(digest), 'data');
  const isComplete = (digest: string) => exists(file(digest));

  async function chunks(digest: string): Promise<number[]> {
    const names = await ignoreAbsent(readdir(parts(digest)));
    return (names ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
  }

  async function adopt(candidate: string, digest: string, size: number): Promise<void> {
    const found = await stat(candidate);
    if (found.size !== size || (await sha256(candidate)) !== digest) {
      throw new Failure('CommandFailed', `the image ${digest} did not arrive as it was sent`);
    }
    // QEMU and the image server read it as other accounts.
    await chmod(candidate, 0o644);
    const handle = await open(candidate, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(candidate, file(digest));
    await syncDirectory(directory);
  }

  return {
    file,
    isComplete,
    chunks,
    checkSpace: (bytes) => checkSpace(directory, bytes),
    adopt,
    async putChunk({ digest, size, offset, length, chunkDigest }, bytes) {
      if (createHash('sha256').update(bytes).digest('hex') !== chunkDigest) {
        throw new Failure('CommandFailed', `chunk ${offset} of the image arrived damaged`);
      }
      if (offset + length > size) throw new Failure('BadInput', 'the chunk is beyond the image');
      if (await isComplete(digest)) return;
      await mkdir(parts(digest), { recursive: true, mode: 0o755 });
      await checkSpace(directory, size - (await sizeOf(data(digest))));
      const handle = await open(data(digest), 'a').then((made) =>
        // Opened for appending only to make it: appended writes ignore their offset.
        made.close().then(() => open(data(digest), 'r+')),
      );
      try {
        for (let done = 0; done < length;) {
          const { bytesWritten } = await handle.write(bytes, done, length - done, offset + done);
          done += bytesWritten;
        }
      } finally {
        await handle.close();
      }
      await writeFile(join(parts(digest), String(offset)), '');
    },
    async finish(digest, size) {
      await mkdir(directory, { recursive: true, mode: 0o755 });
      await withLock(join(directory, `${digest}.lock`), finishWaitSeconds, async () => {
        if (await isComplete(digest)) return;
        try {
          await adopt(data(digest), digest, size);
        } catch (error) {
          // Which chunk is wrong cannot be told: the next upload begins anew.
          await rm(parts(digest), { recursive: true, force: true });
          throw error;
        }
        await rm(parts(digest), { recursive: true, force: true });
      });
      await rm(join(directory, `${digest}.lock`), { force: true });
    },
  };
}

async function checkSpace(directory: string, bytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(directory);
  if (bavail * bsize >= bytes) return;
  const [freeMiB, allMiB] = [bavail, blocks].map((each) => Math.floor((each * bsize) / 1024 ** 2));
  throw new Failure(
    'NoCapacity',
    `the pool has ${freeMiB} of ${allMiB} MiB free, the image needs ${Math.ceil(bytes / 1024 ** 2)} MiB more`,
    {
      help: `free space in ${directory} at that host (images that no cluster uses), or give the pool more; then \`mvc resume\` the cluster`,
    },
  );
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 ** 2 })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex');
}

async function exists(file: string): Promise<boolean> {
  return (await ignoreAbsent(stat(file))) !== undefined;
}

async function sizeOf(file: string): Promise<number> {
  return (await ignoreAbsent(stat(file)))?.size ?? 0;
}
