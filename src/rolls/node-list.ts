import type { Cluster, Roll } from './roll.ts';
import { file, type TarEntry } from './tar.ts';

/**
 * The files of a frontend that say which computes there are, and the epoch of the operation that they
 * are of: a later one wins. They are in the frontend's seed and in each update of its nodes.
 */
export function nodeListFiles(cluster: Cluster, rolls: Roll[]): TarEntry[] {
  return [
    file('etc/mvc/nodes-epoch', `${cluster.epoch}\n`),
    ...rolls.flatMap((roll) => roll.nodeListFiles(cluster)),
  ];
}
