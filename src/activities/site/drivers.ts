import type { Site } from '../../domain/site.ts';
import type { OverlayKind } from '../../domain/overlay.ts';
import type { OverlayDriver } from '../../drivers/overlay/overlay-driver.ts';
import type { SiteDriver } from '../../drivers/site/site-driver.ts';

/** Where a site worker gets its drivers from. They are kept between activities, with their connections. */
export interface SiteDrivers {
  site(site: Site): SiteDriver;
  overlay(site: Site, kind: OverlayKind): OverlayDriver;
}
