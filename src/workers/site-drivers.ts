import { join } from 'node:path';
import type { SiteDrivers } from '../activities/site/drivers.ts';
import type { OverlayKind } from '../domain/overlay.ts';
import type { Site } from '../domain/site.ts';
import { createOverlayDriver } from '../drivers/overlay/overlay-drivers.ts';
import type { OverlayDriver } from '../drivers/overlay/overlay-driver.ts';
import { createMemoryWorld } from '../drivers/site/memory/memory-world.ts';
import type { SiteDriver } from '../drivers/site/site-driver.ts';
import { createSiteDriver, type SiteDriverDependencies } from '../drivers/site/site-drivers.ts';
import type { Home } from '../installation/home.ts';
import type { SshMetrics } from './metrics/ssh-metrics.ts';
import { createSshDoor, type SshDoor } from '../transport/ssh-door.ts';

interface Opened {
  site: SiteDriver;
  overlays: Map<OverlayKind, OverlayDriver>;
}

/** Drivers with their connections, kept as long as the worker lives. */
export function createSiteDrivers(home: Home, ssh: SshMetrics): SiteDrivers & { close(): void } {
  const memoryWorld = createMemoryWorld({ file: join(home.root, 'memory-world.json') });
  // By definition, not by name: a build that began before a site's update goes on with the old one.
  const opened = new Map<string, Opened>();
  const doors: SshDoor[] = [];
  const dependencies: SiteDriverDependencies = {
    memoryWorld,
    openDoor: (site) => {
      const door = createSshDoor(site, { watch: ssh.watch(site.name) });
      ssh.follow(site.name, door);
      doors.push(door);
      return door;
    },
  };

  function open(site: Site): Opened {
    const definition = JSON.stringify(site);
    const known = opened.get(definition);
    if (known) return known;
    const fresh = { site: createSiteDriver(site, dependencies), overlays: new Map() };
    opened.set(definition, fresh);
    return fresh;
  }

  return {
    site: (site) => open(site).site,
    overlay(site, kind) {
      const { overlays } = open(site);
      const driver = overlays.get(kind) ?? createOverlayDriver(kind, site, dependencies);
      overlays.set(kind, driver);
      return driver;
    },
    close() {
      for (const door of doors) door.close();
    },
  };
}
