import type { Command } from 'commander';
import {
  clusterSpecSchema,
  defaultOverlay,
  defaultRolls,
  type ClusterSpec,
} from '../domain/cluster.ts';
import { Failure, parseInput } from '../domain/failure.ts';
import { readSpecFile } from './spec-file.ts';

export interface SpecOptions {
  file?: string;
  origin?: string;
  site: string[];
  overlay?: string;
  insecure?: boolean;
  network?: string;
  computeMemory?: string;
  computeCpus?: string;
  roll: string[];
}

/** Adds the options by which a cluster can be described without a file. */
export function withSpecOptions(command: Command): Command {
  const collect = (value: string, list: string[]) => [...list, value];
  return command
    .option('-f, --file <file>', 'spec as YAML or JSON')
    .option('--origin <site>', 'site of the frontend VM (default: the first site)')
    .option('--site <name=computes>', 'a site and its number of compute VMs (repeat)', collect, [])
    .option('--overlay <kind>', 'routed (default), vxlan, n2n or memory')
    .option('--insecure', 'accept an overlay without authentication (n2n 1.3, or vxlan in clear)')
    .option(
      '--network <cidr>',
      'address range of the overlay (default: next free /24 of 10.77.0.0/16)',
    )
    .option('--compute-memory <MiB>', 'memory of a compute VM')
    .option('--compute-cpus <n>', 'cpus of a compute VM')
    .option(
      '--roll <name>',
      `software set (repeat; default: ${defaultRolls.join(', ')})`,
      collect,
      [],
    );
}

/** @throws {Failure} BadInput naming each wrong field. */
export async function readClusterSpec(
  name: string | undefined,
  options: SpecOptions,
): Promise<ClusterSpec> {
  const named = name === undefined ? {} : { name };
  if (options.file === undefined) {
    return parseInput(clusterSpecSchema, { ...fromFlags(options), ...named }, 'the cluster spec');
  }
  refuseMixture(options);
  return readSpecFile(options.file, 'cluster', named);
}

/** A flag beside a file would be ignored, and its user would not know. */
function refuseMixture(options: SpecOptions): void {
  const { file, origin, overlay, insecure, network, computeMemory, computeCpus } = options;
  const one = [origin, overlay, insecure, network, computeMemory, computeCpus];
  const given = [...one, ...options.site, ...options.roll];
  if (given.every((each) => each === undefined)) return;
  throw new Failure(
    'BadInput',
    `${file} holds the whole spec: other options than the name go without -f`,
  );
}

function fromFlags(options: SpecOptions): object {
  if (options.site.length === 0) {
    throw new Failure(
      'BadInput',
      'which sites? Give a spec with -f, or --site NAME=COMPUTES for each site',
    );
  }
  const sites = options.site.map((each) => {
    const [site, computes] = each.split('=');
    return { name: site, computes: computes === undefined ? 1 : wholeNumber(each, computes) };
  });
  const compute = {
    ...(options.computeMemory === undefined ? {} : { memoryMiB: Number(options.computeMemory) }),
    ...(options.computeCpus === undefined ? {} : { cpus: Number(options.computeCpus) }),
  };
  return {
    origin: options.origin ?? sites[0]?.name,
    sites,
    ...overlayOf(options),
    compute,
    ...(options.network === undefined ? {} : { network: options.network }),
    ...(options.roll.length === 0 ? {} : { rolls: options.roll }),
  };
}

function overlayOf({ overlay, insecure }: SpecOptions): object {
  if (overlay === undefined && insecure === undefined) return {};
  return { overlay: { kind: overlay ?? defaultOverlay, insecure: insecure ?? false } };
}

function wholeNumber(where: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new Failure('BadInput', `${where}: the number of computes must be a whole number`);
}
