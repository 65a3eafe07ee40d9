import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../../domain/failure.ts';
import type { HostPolicy } from '../../../domain/site-verbs.ts';
import { sum, type Capacity } from '../reservation.ts';
import { ignoreAbsent } from '../../../transport/durable-file.ts';
import type { Domain } from './inventory.ts';
import type { Virsh } from './virsh.ts';

const mib = 1024 ** 2;

/** What the host has and what of it is given away already, running or not. */
export async function measureCapacity(
  virsh: Virsh,
  policy: HostPolicy,
  virtualization: Capacity['virtualization'],
  domains: Domain[],
): Promise<Capacity> {
  const node = await virsh(['nodeinfo']);
  return {
    virtualization,
    cpus: policy.maxCpus ?? figure(node, /^CPU\(s\):\s+(\d+)$/m),
    memoryMiB:
      policy.maxMemoryMiB ?? Math.floor(figure(node, /^Memory size:\s+(\d+) KiB$/m) / 1024),
    committedCpus: sum(domains, (each) => each.cpus),
    committedMiB: sum(domains, (each) => each.memoryMiB),
    poolFreeMiB: await measurePool(policy.pool),
  };
}

function figure(text: string, pattern: RegExp): number {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new Failure('Protocol', '`virsh nodeinfo` tells no such figure');
  return Number(found);
}

/** Free space less what the VMs' sparse disks may still grow by. */
async function measurePool(pool: string): Promise<number> {
  const { bavail, bsize } = await statfs(pool);
  const unwritten = sum(await dataDisks(pool), (disk) =>
    Math.max(0, disk.size - disk.blocks * 512),
  );
  return Math.max(0, Math.floor((bavail * bsize - unwritten) / mib));
}

async function dataDisks(pool: string) {
  const root = join(pool, 'vms');
  const entries = (await ignoreAbsent(readdir(root, { recursive: true }))) ?? [];
  const files = entries.filter((each) => /(^|\/)data\.(img|reserved)$/.test(each));
  const found = await Promise.all(files.map((each) => ignoreAbsent(stat(join(root, each)))));
  return found.filter((each) => each !== undefined);
}
