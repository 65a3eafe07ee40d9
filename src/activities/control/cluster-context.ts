import { randomBytes } from 'node:crypto';
import { identitySecret } from '../../domain/cluster.ts';
import type { ClusterContext, ClusterSecrets } from '../../rolls/roll.ts';
import type { ClusterRecord } from '../../store/clusters.ts';
import { ensureSecret } from '../../store/secrets.ts';
import { listVms } from '../../store/vms.ts';
import { generateSshKey } from '../../transport/ssh-key.ts';
import type { ControlDependencies } from './dependencies.ts';
import { siteOf } from './shares.ts';

/**
 * What the rolls are told of a cluster. VMs that leave are no longer part of it.
 *
 * @param epoch of the operation for which something is rendered.
 */
export async function contextOf(
  { db, userKey }: ControlDependencies,
  cluster: ClusterRecord,
  epoch: number,
): Promise<ClusterContext> {
  const origin = await siteOf(db, cluster.spec.origin);
  const vms = await listVms(db, cluster.name);
  return {
    cluster: cluster.name,
    epoch,
    network: cluster.network,
    mtu: cluster.mtu,
    vms: vms.flatMap(({ state, ...vm }) => (state === 'leaving' ? [] : [vm])),
    siteNetwork: origin.network,
    sshKeys: [userKey, ...cluster.spec.sshKeys],
    rolls: cluster.spec.rolls,
  };
}

/** The cluster's keys, made at the first call. */
export async function secretsOf(
  { db, vault }: ControlDependencies,
  cluster: ClusterRecord,
): Promise<ClusterSecrets> {
  const bytes = await ensureSecret(db, vault, secretOwner(cluster), identitySecret, () =>
    Buffer.from(JSON.stringify(makeSecrets(cluster.name))),
  );
  return JSON.parse(bytes.toString('utf8')) as ClusterSecrets;
}

export function secretOwner(cluster: ClusterRecord) {
  return { kind: 'cluster', name: cluster.name } as const;
}

function makeSecrets(cluster: string): ClusterSecrets {
  return {
    mungeKey: randomBytes(128).toString('base64'),
    tokenKey: randomBytes(32).toString('base64url'),
    hostKeys: {
      frontend: generateSshKey(`frontend.${cluster}`),
      compute: generateSshKey(`compute.${cluster}`),
    },
    userKey: generateSshKey(`hpc@${cluster}`),
  };
}
