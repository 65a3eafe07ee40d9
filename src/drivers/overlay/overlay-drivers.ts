import { Failure } from '../../domain/failure.ts';
import type { OverlayKind } from '../../domain/overlay.ts';
import type { LibvirtSite, Site } from '../../domain/site.ts';
import type { SiteDoor } from '../../transport/site-door.ts';
import type { MemoryWorld } from '../site/memory/memory-world.ts';
import { createMemoryOverlayDriver } from './memory/driver.ts';
import { createN2nDriver } from './n2n/driver.ts';
import type { OverlayDriver } from './overlay-driver.ts';
import { createRoutedDriver } from './routed/driver.ts';
import { createVxlanDriver } from './vxlan/driver.ts';

/** What drivers are made of; each takes what it needs. */
export interface OverlayDriverDependencies {
  openDoor: (site: LibvirtSite) => SiteDoor;
  memoryWorld: MemoryWorld;
}

type Factory = (site: Site, dependencies: OverlayDriverDependencies) => OverlayDriver;

/** Every kind of overlay. To add one: a folder beside this file, and a line here. */
const overlayDrivers: Record<OverlayKind, Factory> = {
  n2n: (site, { openDoor }) => {
    if (site.kind === 'libvirt') return createN2nDriver(openDoor(site), site.name);
    throw wrongSite('n2n', site);
  },
  routed: (site, { openDoor }) => {
    if (site.kind === 'libvirt') return createRoutedDriver(openDoor(site), site);
    throw wrongSite('routed', site);
  },
  vxlan: (site, { openDoor }) => {
    if (site.kind === 'libvirt') return createVxlanDriver(openDoor(site), site);
    throw wrongSite('vxlan', site);
  },
  memory: (site, { memoryWorld }) => {
    if (site.kind === 'memory') return createMemoryOverlayDriver(site, memoryWorld);
    throw wrongSite('memory', site);
  },
};

/** @throws {Failure} BadInput for a kind that is not listed, or that the site cannot have. */
export function createOverlayDriver(
  kind: OverlayKind,
  site: Site,
  dependencies: OverlayDriverDependencies,
): OverlayDriver {
  if (!Object.hasOwn(overlayDrivers, kind)) {
    const known = Object.keys(overlayDrivers).join(', ');
    throw new Failure(
      'BadInput',
      `overlay kind ${JSON.stringify(kind)} is unknown; known: ${known}`,
    );
  }
  return overlayDrivers[kind](site, dependencies);
}

function wrongSite(kind: OverlayKind, site: Site): Failure {
  return new Failure('BadInput', `site ${site.name} of kind ${site.kind} has no overlay ${kind}`);
}
