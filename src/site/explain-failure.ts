import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure, toFailure } from '../domain/failure.ts';

const mib = 1024 ** 2;
/** As Node's file system tells it, by a code, and as programs do, in words (POSIX locale). */
const fullCodes = ['ENOSPC', 'EDQUOT'];
const fullWords = /No space left on device|Disk quota exceeded/i;

/**
 * Whatever a verb threw, as a failure that says what to do: a full disk is NoCapacity with figures, a
 * missing program names the way to install it.
 *
 * @param asked the pool, and the cluster that the request was about.
 */
export async function explainFailure(
  error: unknown,
  asked: { pool: string; cluster?: string },
): Promise<Failure> {
  const failure = toFailure(error);
  if (isFull(error)) return noSpace(failure, fullPath(error) ?? asked.pool, asked);
  if (failure.kind !== 'MissingTool' || failure.help !== undefined) return failure;
  return new Failure('MissingTool', failure.message, {
    cause: error,
    help: 'its administrator runs the script of `mvc site prepare` there (again): it installs what is missing',
  });
}

/** Whether the disk was full, as far as the error or what caused it tells. */
export function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // One that has looked at the disk itself has said it better.
  if (error instanceof Failure && error.kind === 'NoCapacity') return false;
  const { code } = error as NodeJS.ErrnoException;
  return fullCodes.includes(code ?? '') || fullWords.test(error.message) || isFull(error.cause);
}

function fullPath(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { path } = error as NodeJS.ErrnoException;
  return path === undefined ? fullPath(error.cause) : dirname(path);
}

async function noSpace(
  failure: Failure,
  path: string,
  { pool, cluster }: { pool: string; cluster?: string },
): Promise<Failure> {
  const next = cluster === undefined ? '`mvc resume` the cluster' : `\`mvc resume ${cluster}\``;
  const figures = (await spaceAt(path)) ?? (await spaceAt(pool)) ?? '';
  return new Failure(
    'NoCapacity',
    `no space is left on the disk of ${path}${figures}: ${failure.message}`,
    {
      cause: failure,
      help: `free space in the pool ${pool} at that host, then ${next}`,
    },
  );
}

/** As `df` tells it. */
async function spaceAt(path: string): Promise<string | undefined> {
  try {
    const { bavail, blocks, bsize, ffree, files } = await statfs(path);
    const inodes = files > 0 && ffree === 0 ? ', and no inodes' : '';
    return ` (${toMiB(bavail * bsize)} of ${toMiB(blocks * bsize)} MiB free${inodes})`;
  } catch {
    return undefined;
  }
}

function toMiB(bytes: number): number {
  return Math.floor(bytes / mib);
}
