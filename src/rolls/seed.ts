import { Failure } from '../domain/failure.ts';
import { checkCluster } from './cluster.ts';
import { renderEnvironment } from './environment.ts';
import { commonHandout, nodeHandouts } from './handouts.ts';
import { nodeListFiles } from './node-list.ts';
import { nodeToken } from './node-token.ts';
import type { Cluster, ClusterContext, ClusterSecrets } from './roll.ts';
import { rollsOf } from './rolls.ts';
import { file, pack } from './tar.ts';

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
    ...nodeListFiles(cluster, rolls),
    ...nodeHandouts(cluster),
    commonHandout(cluster, rolls),
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
    file('etc/mvc/node.env', renderEnvironment({ ROLE: 'compute', OVERLAY_MAC: vm.mac })),
    file('etc/mvc/token', nodeToken(cluster.secrets, vm.name), { mode: 0o600 }),
  ]);
}

function frontendEnvironment(cluster: Cluster): string {
  const { frontend, siteNetwork } = cluster;
  const site = frontend.siteInterface;
  return renderEnvironment({
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
