import { join } from 'node:path';
import type { Mark } from '../../../domain/mark.ts';

/** Where the files of images and VMs are in a host's pool. */
export interface VmFiles {
  directory: string;
  /** The domain's definition as it was last given to libvirt. */
  definition: string;
  /** A tar. Called as AppArmor's helper for libvirt expects the names of disks. */
  seed: string;
  data: string;
  /** The data disk before it has a file system: holds its place in the pool. */
  dataReserved: string;
  console: string;
}

export function clusterDirectory(pool: string, clusterId: string): string {
  return join(pool, 'vms', clusterId);
}

export function vmFiles(pool: string, mark: Mark, vm: string): VmFiles {
  const directory = join(clusterDirectory(pool, mark.clusterId), vm);
  return {
    directory,
    definition: join(directory, 'domain.xml'),
    seed: join(directory, 'seed.img'),
    data: join(directory, 'data.img'),
    dataReserved: join(directory, 'data.reserved'),
    console: join(directory, 'console.log'),
  };
}

/** The node image of this digest, complete and checked. */
export function imageFile(pool: string, digest: string): string {
  return join(pool, 'images', `${digest}.img`);
}
