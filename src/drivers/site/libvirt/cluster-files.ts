import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../domain/failure.ts';
import { markSchema, type Mark } from '../../../domain/mark.ts';
import { clusterDirectory, vmFiles } from './vm-files.ts';
import { ignoreAbsent } from '../../../transport/durable-file.ts';

const markFile = 'mark.json';

/** Path of the file that says whose a cluster's directory in the pool is. */
export function markFileOf(pool: string, clusterId: string): string {
  return join(clusterDirectory(pool, clusterId), markFile);
}

/** The clusters that have files in the pool. */
export async function listClusterMarks(pool: string): Promise<Mark[]> {
  const ids = (await ignoreAbsent(readdir(join(pool, 'vms')))) ?? [];
  const marks = await Promise.all(ids.map((id) => readClusterMark(pool, id)));
  return marks.filter((mark) => mark !== undefined);
}

/**
 * Removes the files of these VMs, or of all; with those of the last VM the cluster's directory goes.
 * What belongs to somebody else is left alone.
 */
export async function removeClusterFiles(pool: string, mark: Mark, vms?: string[]): Promise<void> {
  const found = await readClusterMark(pool, mark.clusterId);
  if (found?.installation !== mark.installation) return;
  const directory = clusterDirectory(pool, mark.clusterId);
  const force = { recursive: true, force: true };
  await Promise.all((vms ?? []).map((vm) => rm(vmFiles(pool, mark, vm).directory, force)));
  const left = await readdir(directory);
  if (!vms || left.every((name) => name === markFile)) await rm(directory, force);
}

/** Undefined if there is no such directory, or no mark of ours in it. */
export async function readClusterMark(pool: string, clusterId: string): Promise<Mark | undefined> {
  const text = await ignoreAbsent(readFile(markFileOf(pool, clusterId), 'utf8'));
  if (text === undefined) return undefined;
  try {
    return markSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Failure('Protocol', `${markFileOf(pool, clusterId)} is damaged`, { cause: error });
  }
}
