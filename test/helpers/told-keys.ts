import { overlayKeyPurpose } from '../../src/domain/sealed.ts';
import type { OverlayDriver } from '../../src/drivers/overlay/overlay-driver.ts';
import type { SiteDriver } from '../../src/drivers/site/site-driver.ts';
import { generateSealKeyPair, open } from '../../src/secrets/sealed-box.ts';

/** The key of an overlay as a VM container opened it. */
export interface ToldKey {
  site: string;
  container: string;
  key: string;
}

/** Gives memory sites a sealing key, and opens what they are told of overlays. */
export function createToldKeys() {
  const { publicKey, privateKey } = generateSealKeyPair();
  const told: ToldKey[] = [];
  return {
    told,
    withSealKey: (driver: SiteDriver): SiteDriver => ({
      ...driver,
      async facts(watch) {
        const { hosts, ...facts } = await driver.facts(watch);
        return { ...facts, hosts: hosts.map((host) => ({ ...host, sealKey: publicKey })) };
      },
    }),
    opening: (site: string, driver: OverlayDriver): OverlayDriver => ({
      ...driver,
      async apply(operation, container, table, key, watch) {
        await driver.apply(operation, container, table, key, watch);
        const purpose = overlayKeyPurpose(operation.mark.clusterId);
        told.push({ site, container, key: open(key, privateKey, purpose).toString() });
      },
    }),
  };
}
