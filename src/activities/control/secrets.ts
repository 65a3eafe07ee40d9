import { randomBytes } from 'node:crypto';
import { Failure } from '../../domain/failure.ts';
import type { Operation } from '../../domain/mark.ts';
import { overlayKeyPurpose, seedPurpose, type Sealed } from '../../domain/sealed.ts';
import { hostFacts } from '../../domain/site.ts';
import { renderComputeSeed, renderFrontendSeed } from '../../rolls/seed.ts';
import { seal } from '../../secrets/sealed-box.ts';
import { ensureSecret, putSecret } from '../../store/secrets.ts';
import { findSite } from '../../store/sites.ts';
import { listVms } from '../../store/vms.ts';
import { activity } from '../activity.ts';
import { contextOf, secretOwner, secretsOf } from './cluster-context.ts';
import type { ControlDependencies } from './dependencies.ts';
import { clusterOf } from './shares.ts';

const overlayKeySecret = 'overlay-key';

function newOverlayKey(): Buffer {
  return Buffer.from(randomBytes(32).toString('base64url'));
}

/** Activities that hand out secrets, each sealed to the one host that may open it. */
export function createSecretActivities(dependencies: ControlDependencies) {
  const { db, vault } = dependencies;
  return {
    /** The overlay's key, sealed to each VM container of the site that has VMs of the cluster. */
    async sealedOverlayKeys(input: {
      operation: Operation;
      site: string;
    }): Promise<Record<string, Sealed>> {
      return activity(async () => {
        const cluster = await clusterOf(db, input.operation);
        const key = await ensureSecret(
          db,
          vault,
          secretOwner(cluster),
          overlayKeySecret,
          newOverlayKey,
        );
        const vms = await listVms(db, cluster.name, input.site);
        const containers = [...new Set(vms.map((vm) => vm.container))];
        const sealed = containers.map(async (container) => {
          const recipient = await sealKeyOf(input.site, container);
          return [container, seal(key, recipient, overlayKeyPurpose(cluster.id))] as const;
        });
        return Object.fromEntries(await Promise.all(sealed));
      });
    },

    /** Gives the overlay another key. Its edges have it when they are applied next. */
    async renewOverlayKey(input: { operation: Operation }): Promise<void> {
      return activity(async () => {
        const cluster = await clusterOf(db, input.operation);
        await putSecret(db, vault, secretOwner(cluster), overlayKeySecret, newOverlayKey());
      });
    },

    /** What VMs find on their seed disks, sealed to their VM containers. */
    async sealedSeeds(input: {
      operation: Operation;
      vms: string[];
    }): Promise<Record<string, Sealed>> {
      return activity(async () => {
        const cluster = await clusterOf(db, input.operation);
        const vms = await listVms(db, cluster.name);
        const context = await contextOf(dependencies, cluster, input.operation.epoch);
        const secrets = await secretsOf(dependencies, cluster);
        const sealed = input.vms.map(async (name) => {
          const vm = vms.find((each) => each.name === name);
          if (!vm) throw new Failure('NotFound', `cluster ${cluster.name} has no VM ${name}`);
          const seed =
            vm.role === 'frontend'
              ? renderFrontendSeed(context, secrets)
              : renderComputeSeed(context, secrets, name);
          const recipient = await sealKeyOf(vm.site, vm.container);
          return [name, seal(seed, recipient, seedPurpose(cluster.id, name))] as const;
        });
        return Object.fromEntries(await Promise.all(sealed));
      });
    },
  };

  async function sealKeyOf(site: string, container: string): Promise<string> {
    const facts = (await findSite(db, site))?.facts;
    const key = facts && hostFacts(facts, container)?.sealKey;
    if (key) return key;
    throw new Failure('NotFound', `site ${site} has not told the sealing key of ${container}`, {
      help: `\`mvc site show ${site}\` shows what it told`,
    });
  }
}
