import { addressAt, formatRange, macFor, type Range } from './address.ts';
import { Failure } from './failure.ts';
import { checkName, foreignDomains, whose } from './foreign-domain.ts';
import { macsOf, sameMac } from './mac-clash.ts';
import type { OverlayTable } from './overlay.ts';
import { siteOf, type PlanInput } from './plan-input.ts';
import { planNetwork, planSiteInterface, warnOfOutside } from './plan-network.ts';
import { planOverlay } from './plan-overlay.ts';
import { placeVms } from './placement.ts';
import type { Vm } from './vm.ts';

/** Everything that a build will make, before any site is asked. */
export interface ClusterPlan {
  cluster: string;
  clusterId: string;
  network: string;
  vms: Vm[];
  overlay: OverlayTable;
  /** Sentences that a person should read before saying yes. */
  warnings: string[];
}

/**
 * Decides names, places, MACs, addresses and ports of a new cluster. Pure: the same input gives the
 * same plan.
 *
 * @throws {Failure} BadInput, NoCapacity, Conflict or MissingTool with the site and what helps.
 */
export function planCluster(input: PlanInput): ClusterPlan {
  const range = planNetwork(input);
  const vms = planVms(input, range);
  checkNamesAndMacs(input, vms);
  const network = formatRange(range);
  const overlay = planOverlay(input, vms, network);
  return {
    cluster: input.spec.name,
    clusterId: input.clusterId,
    network,
    vms,
    overlay: overlay.table,
    warnings: [...overlay.warnings, ...warnOfOutside(range, input)],
  };
}

function planVms(input: PlanInput, range: Range): Vm[] {
  const { spec, clusterId } = input;
  const vms: Vm[] = [];
  // The frontend is the first VM in every list, and its address the first of the range.
  const order = [...spec.sites].sort(
    (a, b) => Number(b.name === spec.origin) - Number(a.name === spec.origin),
  );
  for (const { name: siteName, computes } of order) {
    const surveyed = siteOf(input, siteName);
    const isOrigin = siteName === spec.origin;
    const demands = [
      ...(isOrigin ? [{ name: 'frontend', ...spec.frontend }] : []),
      ...Array.from({ length: computes }, (_, n) => ({
        name: `compute-${siteName}-${n}`,
        ...spec.compute,
      })),
    ];
    const places = placeVms(surveyed.facts, demands);
    for (const demand of demands) {
      const index = vms.length + 1;
      const base = {
        name: demand.name,
        site: siteName,
        container: places.get(demand.name) ?? '',
        mac: macFor(clusterId, index),
        address: addressAt(range, index),
        cpus: demand.cpus,
        memoryMiB: demand.memoryMiB,
      };
      vms.push(
        demand.name === 'frontend'
          ? {
              ...base,
              role: 'frontend',
              diskGiB: spec.frontend.diskGiB,
              siteInterface: planSiteInterface(input, surveyed.site, index),
            }
          : { ...base, role: 'compute' },
      );
    }
  }
  return vms;
}

function checkNamesAndMacs(input: PlanInput, vms: Vm[]): void {
  const foreign = foreignDomains(input);
  for (const vm of vms) checkName(input.spec.name, vm, foreign);
  const wanted = vms.flatMap(macsOf);
  const recorded = wanted.find((mac) => input.ledger.macs.includes(mac));
  if (recorded !== undefined) throw new MacTaken(recorded, 'another cluster');
  for (const domain of foreign) {
    const mac = wanted.find((each) => sameMac(domain, each));
    if (mac !== undefined) throw new MacTaken(mac, whose(domain));
  }
}

/** A derived MAC is taken: plan again with another cluster id. */
export class MacTaken extends Failure {
  constructor(mac: string, holder: string) {
    super('Conflict', `MAC ${mac} is already in use by ${holder}`);
  }
}
