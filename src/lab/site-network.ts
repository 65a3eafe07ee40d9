import { existsSync } from 'node:fs';
import { writeSiteFile } from './accounts.ts';
import { removeCarrier } from './carrier.ts';
import { applyCut } from './cut.ts';
import { writePlan, type LabDirectory } from './directory.ts';
import { ensureDoor } from './door.ts';
import { ensureNamespace } from './namespace.ts';
import { ensureGateway, ensureLanPlace } from './network.ts';
import {
  carrierOf,
  checkPublicAddress,
  findSite,
  natOf,
  type LabMachine,
  type LabPlan,
  type LabSite,
  type NatKind,
} from './plan.ts';
import { ensureWanEnd } from './wan.ts';

/** Whether the controller's ssh goes to a site's new address, or still to its old one. */
export type DoorChoice = 'follows' | 'stays';

/** The site's interface on the WAN: its gateway's, or that of the provider's NAT before it. */
export async function ensureSiteEnd(
  directory: LabDirectory,
  plan: LabPlan,
  site: LabSite,
): Promise<void> {
  if (natOf(site) === 'double') await ensureNamespace(plan.id, carrierOf(site));
  else await removeCarrier(plan.id, site);
  await ensureWanEnd(directory, plan, site.name);
}

export async function connectSite(
  directory: LabDirectory,
  plan: LabPlan,
  site: LabSite,
): Promise<void> {
  await connectMachine(plan, site, site.frontend);
  for (const machine of site.containers) await connectMachine(plan, site, machine);
  await ensureDoor(directory, site);
}

export async function connectMachine(
  plan: LabPlan,
  site: LabSite,
  machine: LabMachine,
): Promise<void> {
  if (machine.container === undefined) await ensureGateway(plan.id, site);
  else await ensureLanPlace(plan.id, site, machine);
}

/** @throws {Failure} NotFound. */
export async function setNat(
  directory: LabDirectory,
  plan: LabPlan,
  siteName: string,
  kind: NatKind,
): Promise<void> {
  await replaceGateway(directory, plan, { ...findSite(plan, siteName), nat: kind });
}

/** @throws {Failure} NotFound, BadInput, Conflict with another site's address. */
export async function setPublicAddress(
  directory: LabDirectory,
  plan: LabPlan,
  siteName: string,
  address: string,
  door: DoorChoice,
): Promise<void> {
  const { doorAddress: before, ...site } = findSite(plan, siteName);
  checkPublicAddress(plan, siteName, address);
  const left = before ?? site.wanAddress;
  const stays = door === 'stays' && left !== address;
  const moved = { ...site, wanAddress: address, ...(stays ? { doorAddress: left } : {}) };
  await replaceGateway(directory, plan, moved);
  if (existsSync(directory.siteFile(siteName))) await writeSiteFile(directory, moved);
}

/** The plan comes first: what breaks off in between is completed by `mvc lab up`. */
async function replaceGateway(
  directory: LabDirectory,
  plan: LabPlan,
  changed: LabSite,
): Promise<void> {
  const site = { ...changed, gatewayChanges: (changed.gatewayChanges ?? 0) + 1 };
  const sites = plan.sites.map((each) => (each.name === site.name ? site : each));
  const next = { ...plan, sites };
  await writePlan(directory, next);
  await ensureSiteEnd(directory, next, site);
  await ensureGateway(next.id, site);
  await ensureDoor(directory, site);
  // A wire that was made anew does not know that it is cut.
  if (next.cut?.includes(site.name)) await applyCut(directory, next, site);
}
