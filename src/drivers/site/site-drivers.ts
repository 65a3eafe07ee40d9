import { Failure } from '../../domain/failure.ts';
import type { LibvirtSite, MemorySite, Site, SiteKind } from '../../domain/site.ts';
import type { SiteDoor } from '../../transport/site-door.ts';
import { createLibvirtDriver } from './libvirt/driver.ts';
import { createMemorySiteDriver } from './memory/driver.ts';
import type { MemoryWorld } from './memory/memory-world.ts';
import type { SiteDriver } from './site-driver.ts';

/** What drivers are made of; each takes what it needs. */
export interface SiteDriverDependencies {
  /** The door to a site that ssh reaches. */
  openDoor: (site: LibvirtSite) => SiteDoor;
  /** The world that all memory sites share. */
  memoryWorld: MemoryWorld;
}

type Factory<S extends Site> = (site: S, dependencies: SiteDriverDependencies) => SiteDriver;

/** Every kind of site. To add one: a folder beside this file, and a line here. */
const siteDrivers: { [K in SiteKind]: Factory<Extract<Site, { kind: K }>> } = {
  libvirt: (site: LibvirtSite, { openDoor }) => createLibvirtDriver(site, openDoor(site)),
  memory: (site: MemorySite, { memoryWorld }) => createMemorySiteDriver(site, memoryWorld),
};

/** @throws {Failure} BadInput for a kind that is not listed. */
export function createSiteDriver(site: Site, dependencies: SiteDriverDependencies): SiteDriver {
  if (!Object.hasOwn(siteDrivers, site.kind)) {
    const known = Object.keys(siteDrivers).join(', ');
    throw new Failure(
      'BadInput',
      `site kind ${JSON.stringify(site.kind)} is unknown; known: ${known}`,
    );
  }
  return (siteDrivers[site.kind] as Factory<Site>)(site, dependencies);
}
