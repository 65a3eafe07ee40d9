import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Failure } from '../domain/failure.ts';
import type { Vm } from '../domain/vm.ts';
import { mvcAccount } from './base.ts';
import { checkCluster } from './cluster.ts';
import type { Cluster, ClusterContext, ClusterSecrets, Roll } from './roll.ts';
import { checkRolls, requiredRolls } from './rolls.ts';
import { directory, file, renderTar, type TarEntry } from './tar.ts';

/**
 * What the frontend VM finds on its seed disk: its own configuration, and what it hands out to the
 * computes. The same input gives the same bytes.
 *
 * @returns a gzipped tar, to be laid over the root of the image.
 * @throws {Failure} BadInput if a value could not be written safely.
 */
export function renderFrontendSeed(context: ClusterContext, secrets: ClusterSecrets): Buffer {
  const cluster = checkCluster(context, secrets);
  const rolls = rollsOf(context);
  return pack([
    file('etc/mvc/node.env', frontendEnvironment(cluster)),
    ...rolls.flatMap((roll) => roll.frontendFiles(cluster)),
    ...handouts(cluster, rolls),
  ]);
}

/**
 * What a compute VM finds on its seed disk: its role, and the token by which the frontend knows it.
 * Everything else it gets from the frontend, once per boot.
 *
 * @throws {Failure} BadInput; NotFound if the cluster has no such compute.
 */
export function renderComputeSeed(
  context: ClusterContext,
  secrets: ClusterSecrets,
  vmName: string,
): Buffer {
  const cluster = checkCluster(context, secrets);
  const vm = cluster.computes.find((each) => each.name === vmName);
  if (!vm) {
    throw new Failure('NotFound', `cluster ${cluster.cluster} has no compute ${vmName}`);
  }
  return pack([
    file('etc/mvc/node.env', environment({ ROLE: 'compute', OVERLAY_MAC: vm.mac })),
    file('etc/mvc/token', tokenOf(cluster, vm), { mode: 0o600 }),
  ]);
}

function frontendEnvironment(cluster: Cluster): string {
  const { frontend, siteNetwork } = cluster;
  const site = frontend.siteInterface;
  return environment({
    ROLE: 'frontend',
    HOSTNAME: frontend.name,
    OVERLAY_MAC: frontend.mac,
    ADDRESS: `${frontend.address}/${cluster.prefixLength}`,
    MTU: String(cluster.mtu),
    ...(site && siteNetwork
      ? {
          SITE_MAC: site.mac,
          SITE_ADDRESS: `${site.address}/${siteNetwork.prefixLength}`,
          GATEWAY: siteNetwork.gateway,
        }
      : {}),
  });
}

function environment(values: Record<string, string>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** What the frontend's HTTP server gives to whom; readable by that server alone. */
function handouts(cluster: Cluster, rolls: Roll[]): TarEntry[] {
  const owner = mvcAccount.id;
  const secret = { mode: 0o400, owner };
  const common = rolls.flatMap((roll) => roll.computeFiles(cluster));
  return [
    ...['nodes', 'tokens', 'macs'].map((name) =>
      directory(`var/lib/mvc/${name}`, { mode: 0o700, owner }),
    ),
    file('var/lib/mvc/nodes/common.tar', renderTar(common, { end: false }), secret),
    ...cluster.computes.flatMap((vm) => [
      file(`var/lib/mvc/nodes/${vm.name}.tar`, renderTar(nodeFiles(vm)), secret),
      file(`var/lib/mvc/tokens/${tokenDigest(cluster, vm)}`, `${vm.name} ${vm.address}\n`, secret),
      file(`var/lib/mvc/macs/${vm.mac.replaceAll(':', '-')}`, `${vm.name}\n`, secret),
    ]),
  ];
}

/** Follows the common files. The last one tells the first stage that nothing is missing. */
function nodeFiles(vm: Vm): TarEntry[] {
  return [
    file('etc/hostname', `${vm.name}\n`),
    file('etc/mvc/node.env', environment({ ROLE: 'compute', HOSTNAME: vm.name, SITE: vm.site })),
  ];
}

function tokenOf(cluster: Cluster, vm: Vm): string {
  return cluster.secrets.nodeTokens[vm.name] ?? '';
}

function tokenDigest(cluster: Cluster, vm: Vm): string {
  return createHash('sha256').update(tokenOf(cluster, vm)).digest('hex');
}

function rollsOf(context: ClusterContext): Roll[] {
  return checkRolls(context.rolls ?? requiredRolls);
}

function pack(entries: TarEntry[]): Buffer {
  const bytes = gzipSync(renderTar(entries), { level: 9 });
  // Byte 9 names the operating system that packed it; the same seed must not differ by that.
  bytes[9] = 0xff;
  return bytes;
}
