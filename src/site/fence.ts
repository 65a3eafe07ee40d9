import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../domain/failure.ts';
import { operationSchema, type Operation } from '../domain/mark.ts';
import { ignoreAbsent, writeDurably } from '../transport/durable-file.ts';
import { isFull } from './explain-failure.ts';

/**
 * Refuses what must not act on a cluster here: another installation, and an operation that is
 * older than one already seen. The record outlives the cluster, so that a late attempt of its build does no harm.
 *
 * @throws {Failure} Conflict or StaleEpoch.
 */
export async function checkFence(pool: string, operation: Operation): Promise<void> {
  const last = await readFence(pool, operation.mark.clusterId);
  if (!last) return;
  const { cluster, clusterId } = operation.mark;
  if (last.mark.installation !== operation.mark.installation) {
    throw new Failure(
      'Conflict',
      `cluster ${cluster} (${clusterId}) belongs to another controller`,
      {
        help: 'use the controller that made it',
      },
    );
  }
  if (operation.epoch < last.epoch) {
    throw new Failure(
      'StaleEpoch',
      `operation ${operation.epoch} on cluster ${cluster} came after operation ${last.epoch}`,
      { help: 'nothing to do: a later operation has taken over' },
    );
  }
}

/** Notes that this operation acts on the cluster here: lower ones are refused from now on. Needs the lock. */
export async function raiseFence(pool: string, operation: Operation): Promise<void> {
  await checkFence(pool, operation);
  const last = await readFence(pool, operation.mark.clusterId);
  if (last?.epoch === operation.epoch) return;
  const file = fenceFile(pool, operation.mark.clusterId);
  const text = JSON.stringify(operation);
  try {
    await writeDurably(file, text);
  } catch (error) {
    // What makes room must be possible on a full disk: the few bytes go where the old ones are.
    if (!last || !isFull(error)) throw error;
    await overwrite(file, text);
  }
}

/** Needs no room on the disk. All of it is in one sector, which disks write whole or not at all. */
async function overwrite(file: string, text: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    await handle.write(text.padEnd(size), 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The highest operation of every cluster of the installation that was acted on here, also of gone ones. */
export async function listFences(pool: string, installation: string): Promise<Operation[]> {
  const ids = (await readdir(join(pool, 'clusters')).catch(noneIfAbsent)).sort();
  const found: Operation[] = [];
  // One after the other: there may be thousands.
  for (const id of ids) {
    const last = await readFence(pool, id);
    if (last?.mark.installation === installation) found.push(last);
  }
  return found;
}

function noneIfAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

async function readFence(pool: string, clusterId: string): Promise<Operation | undefined> {
  const text = await ignoreAbsent(readFile(fenceFile(pool, clusterId), 'utf8'));
  if (text === undefined) return undefined;
  try {
    return operationSchema.parse(JSON.parse(text));
  } catch (error) {
    if (!(error instanceof z.ZodError) && !(error instanceof SyntaxError)) throw error;
    // To go on would mean to let anybody through.
    throw new Failure('Protocol', `${fenceFile(pool, clusterId)} is damaged`, { cause: error });
  }
}

function fenceFile(pool: string, clusterId: string): string {
  return join(pool, 'clusters', clusterId, 'epoch');
}
