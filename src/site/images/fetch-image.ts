import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, toFailure } from '../../domain/failure.ts';
import { ownProgram } from '../../transport/own-program.ts';
import type { Shell } from '../../transport/shell.ts';
import { createImageStore } from './image-store.ts';
import { ignoreAbsent } from '../../transport/durable-file.ts';

/** What a fetch needs to know; given to the background process as arguments. */
export interface FetchOrder {
  digest: string;
  size: number;
  address: string;
  port: number;
}

const fetchTimeoutMs = 20 * 60_000;
const startTimeoutMs = 5000;

/**
 * Fetching goes on in a process of its own, which outlives the request. While it holds a lock it is
 * alive; if it fails it leaves the reason in a file.
 */
export interface ImageFetches {
  /** Returns once the process runs. A fetch of the same image that goes on is left alone. */
  start(order: FetchOrder): Promise<void>;
  state(digest: string): Promise<{ fetching: boolean; error?: string }>;
}

export function createImageFetches(shell: Shell, pool: string): ImageFetches {
  const files = fetchFiles(pool);

  async function state(digest: string): Promise<{ fetching: boolean; error?: string }> {
    const error = await ignoreAbsent(readFile(files.error(digest), 'utf8'));
    if ((await ignoreAbsent(stat(files.lock(digest)))) === undefined) {
      return { fetching: false, ...(error ? { error } : {}) };
    }
    const { exitCode } = await shell.run(['flock', '-n', files.lock(digest), 'true']);
    return { fetching: exitCode !== 0, ...(error ? { error } : {}) };
  }

  return {
    state,
    async start(order) {
      if ((await state(order.digest)).fetching) return;
      await mkdir(join(pool, 'images'), { recursive: true, mode: 0o755 });
      await rm(files.error(order.digest), { force: true });
      const have = (await ignoreAbsent(stat(files.partial(order.digest))))?.size ?? 0;
      await createImageStore(pool).checkSpace(order.size - have);
      const { digest, size, address, port } = order;
      const program = [process.execPath, ownProgram()];
      const argv = ['fetch-image', digest, String(size), address, String(port), pool];
      const child = spawn('flock', ['-n', files.lock(digest), ...program, ...argv], {
        detached: true,
        stdio: 'ignore',
      });
      child.unref();
      let broken: Error | undefined;
      child.on('error', (error) => (broken = error));
      const store = createImageStore(pool);
      for (const until = Date.now() + startTimeoutMs; Date.now() < until; await sleep(50)) {
        const now = await state(digest);
        if (now.fetching || now.error || (await store.isComplete(digest))) return;
      }
      if (broken) {
        throw new Failure('MissingTool', `flock could not be started: ${broken.message}`);
      }
      throw new Failure('CommandFailed', 'fetching the image did not start');
    },
  };
}

/** The background process's part. */
export async function fetchImage(shell: Shell, pool: string, order: FetchOrder): Promise<void> {
  const files = fetchFiles(pool);
  try {
    await download(shell, files.partial(order.digest), order);
    await createImageStore(pool).adopt(files.partial(order.digest), order.digest, order.size);
    await rm(files.lock(order.digest), { force: true });
  } catch (error) {
    await writeFile(files.error(order.digest), toFailure(error).message.slice(0, 1000));
  }
}

async function download(shell: Shell, partial: string, order: FetchOrder): Promise<void> {
  const have = (await ignoreAbsent(stat(partial)))?.size ?? 0;
  // What is as long as the whole and yet was not adopted is wrong.
  if (have >= order.size) await rm(partial);
  const url = `http://${order.address}:${order.port}/${order.digest}`;
  const { exitCode, stderr } = await shell.run(
    // prettier-ignore
    [
      'curl', '--silent', '--show-error', '--fail', '--noproxy', '*',
      '--continue-at', '-', '--retry', '5', '--retry-connrefused', '--retry-delay', '1',
      '--connect-timeout', '10', '--speed-limit', '10000', '--speed-time', '30',
      '--max-filesize', String(order.size), '--output', partial, url,
    ],
    { timeoutMs: fetchTimeoutMs },
  );
  if (exitCode !== 0) {
    throw new Failure('CommandFailed', `curl ended with ${exitCode}: ${stderr.trim().slice(-300)}`);
  }
}

function fetchFiles(pool: string) {
  const file = (suffix: string) => (digest: string) => join(pool, 'images', `${digest}.${suffix}`);
  return { partial: file('fetch'), lock: file('fetch.lock'), error: file('fetch.error') };
}
