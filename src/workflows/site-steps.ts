import type { StepName } from '../domain/cluster.ts';
import type { ImageRef } from '../domain/image.ts';
import type { SentImage } from '../domain/site-line.ts';
import type { Operation } from '../domain/mark.ts';
import { reservationLeaseSeconds, type SiteShare } from '../domain/operation.ts';
import type { OverlayKind } from '../domain/overlay.ts';
import type { Site } from '../domain/site.ts';
import type { VmDefinition } from '../domain/vm.ts';
import { atSite, atSiteSoon, control, uploadingToSite } from './activities.ts';

/** VMs in one call to a site: keeps payloads below 64 KiB and histories short. */
const batchSize = 20;

/** A step at one site, with what takes it back. Both are safe to repeat. */
export interface SiteStep<Input = void, Result = void> {
  name: StepName;
  do: (input: Input) => Promise<Result>;
  undo: () => Promise<void>;
}

/** The steps of one site, in the order of a build; a destroy runs their undos backwards. */
export function siteSteps(share: SiteShare) {
  const at = atSite(share.site.name);
  const here = { site: share.site, operation: share.operation };
  const { table } = share;

  const reserve: SiteStep = {
    name: 'reserve',
    do: async () => {
      for (const vms of batches([...share.vms, ...share.stopped])) {
        await at.reserveVms.executeWithOptions(
          { summary: `reserve ${vms.length} VMs at ${share.site.name}` },
          [{ ...here, vms, leaseSeconds: reservationLeaseSeconds }],
        );
      }
    },
    undo: () => at.removeVms(here),
  };

  const image: SiteStep<ImageRef, SentImage | undefined> = {
    name: 'image',
    do: (built) =>
      uploadingToSite(share.site.name).ensureImage.executeWithOptions(
        { summary: `image to ${share.site.name}` },
        [{ site: share.site, image: built }],
      ),
    // Kept: it is named by its content, and the next cluster needs it again.
    undo: async () => {},
  };

  const supernode: SiteStep = {
    name: 'supernode',
    do: () => at.ensureSupernode({ ...here, table }),
    undo: () => at.removeSupernode({ ...here, kind: table.kind }),
  };

  const edges: SiteStep = {
    name: 'edges',
    do: async () => {
      const keys = await control.sealedOverlayKeys({
        operation: share.operation,
        site: share.site.name,
      });
      await at.applyOverlay.executeWithOptions({ summary: `edges at ${share.site.name}` }, [
        { ...here, table, keys },
      ]);
    },
    undo: () => removeEdges(share.site, share.operation, table.kind),
  };

  return { reserve, image, supernode, edges };
}

/** Removes every edge of the cluster at the site. */
export async function removeEdges(
  site: Site,
  operation: Operation,
  kind: OverlayKind,
): Promise<void> {
  const containers = site.containers.map((container) => container.name);
  await atSite(site.name).removeOverlay({ site, operation, kind, containers });
}

/** Takes back a reservation of a gang that cannot be complete, without waiting for a site that is away: its lease ends it. */
export async function releaseSoon(share: SiteShare): Promise<void> {
  await atSiteSoon(share.site.name).removeVms({ site: share.site, operation: share.operation });
}

/** Disks, seeds and final definitions. Undone with the reservation: a VM's domain is its reservation. */
export async function makeVms(
  share: SiteShare,
  vms: VmDefinition[],
  image: ImageRef,
): Promise<void> {
  for (const batch of batches(vms)) {
    const seeds = await control.sealedSeeds({
      operation: share.operation,
      vms: batch.map((vm) => vm.name),
    });
    await atSite(share.site.name).ensureVms.executeWithOptions(
      { summary: `disks and seeds of ${batch.length} VMs at ${share.site.name}` },
      [
        {
          site: share.site,
          operation: share.operation,
          vms: batch.flatMap((vm) => {
            const seed = seeds[vm.name];
            return seed ? [{ vm: { ...vm, image: image.digest }, seed }] : [];
          }),
        },
      ],
    );
  }
}

/** Returns the names of the VMs that were started now. */
export async function startVms(share: SiteShare, vms: VmDefinition[]): Promise<string[]> {
  const started: string[] = [];
  for (const batch of batches(vms)) {
    started.push(
      ...(await atSite(share.site.name).startVms.executeWithOptions(
        { summary: `start ${batch.length} VMs at ${share.site.name}` },
        [{ site: share.site, operation: share.operation, vms: batch }],
      )),
    );
  }
  return started;
}

export async function stopVms(share: SiteShare, vms: VmDefinition[]): Promise<void> {
  for (const batch of batches(vms)) {
    await atSite(share.site.name).stopVms.executeWithOptions(
      { summary: `stop ${batch.length} VMs at ${share.site.name}` },
      [{ site: share.site, operation: share.operation, vms: batch }],
    );
  }
}

/** Removes just these VMs with their disks. Their edges go when the table without them is applied. */
export async function removeVms(share: SiteShare, vms: VmDefinition[]): Promise<void> {
  for (const batch of batches(vms)) {
    await atSite(share.site.name).removeVms.executeWithOptions(
      { summary: `remove ${batch.length} VMs at ${share.site.name}` },
      [{ site: share.site, operation: share.operation, vms: batch }],
    );
  }
}

function batches<T>(items: T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / batchSize) }, (_, index) =>
    items.slice(index * batchSize, (index + 1) * batchSize),
  );
}
