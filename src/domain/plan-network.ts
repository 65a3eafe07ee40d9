import {
  contains,
  defaultPool,
  firstFreeRange,
  formatRange,
  macFor,
  overlaps,
  parseRange,
  prefixFor,
  type Range,
} from './address.ts';
import { Failure } from './failure.ts';
import { registeredSites, type PlanInput, type SurveyedSite } from './plan-input.ts';
import { roomIn } from './plan-overlay.ts';
import type { Site } from './site.ts';
import type { Vm } from './vm.ts';

/**
 * The range of a new cluster's overlay: apart from those of all clusters, from the own networks of all
 * registered sites, since any of them may join later, and from what its VMs are to reach outside.
 *
 * @throws {Failure} BadInput, NoCapacity or Conflict with what has it.
 */
export function planNetwork(input: PlanInput): Range {
  const used = input.ledger.networks.map(parseRange);
  const hosts = 1 + input.spec.sites.reduce((sum, site) => sum + site.computes, 0);
  if (input.spec.network === undefined) {
    const lans = registeredSites(input).map(({ site }) => siteRange(site));
    // What has all of the pool in it leaves no choice: the cluster's own range goes first there.
    const outside = outsideRanges(input).filter((each) => !contains(each, defaultPool));
    return firstFreeRange([...used, ...lans, ...outside], prefixFor(hosts + 1));
  }
  const range = parseRange(input.spec.network);
  const clash = used.find((each) => overlaps(each, range));
  if (clash) {
    throw new Failure(
      'Conflict',
      `network ${input.spec.network} overlaps ${formatRange(clash)}, which another cluster uses`,
      {
        help: 'choose another range, or leave `network` out',
      },
    );
  }
  refuseLans(formatRange(range), registeredSites(input));
  refuseOutsideWithin(range, input);
  if (roomIn(range, input.spec.overlay.kind) < hosts) {
    throw new Failure(
      'BadInput',
      `network ${input.spec.network} has not enough addresses for ${hosts} VMs`,
    );
  }
  return range;
}

function outsideRanges({ spec }: PlanInput): Range[] {
  return (spec.overlay.outside ?? []).map(parseRange);
}

/** @throws {Failure} BadInput: no way leads there, since the VMs would look for it among themselves. */
function refuseOutsideWithin(range: Range, input: PlanInput): void {
  const inner = outsideRanges(input).find((each) => contains(range, each));
  if (!inner) return;
  throw new Failure(
    'BadInput',
    `overlay.outside opens ${formatRange(inner)}, which is in the cluster's own network ${formatRange(range)}`,
    { help: 'choose another `network`, or leave it out' },
  );
}

/** Part of what is opened may be the cluster's own. That of everything is no news. */
export function warnOfOutside(range: Range, input: PlanInput): string[] {
  return outsideRanges(input)
    .filter((each) => each.prefix > 0 && contains(each, range))
    .map(
      (each) =>
        `at ${formatRange(range)} VMs reach each other, and nothing outside, though overlay.outside opens ${formatRange(each)}`,
    );
}

/** @throws {Failure} Conflict if a site's own network is (partly) a cluster's: its VMs could not tell them apart. */
export function refuseLans(network: string, sites: SurveyedSite[]): void {
  const range = parseRange(network);
  const lan = sites.find(({ site }) => overlaps(siteRange(site), range));
  if (!lan) return;
  throw new Failure(
    'Conflict',
    `network ${network} overlaps the own network of site ${lan.site.name} (${formatRange(siteRange(lan.site))})`,
    { help: 'choose another range, or leave `network` out when the cluster is created' },
  );
}

function siteRange(site: Site): Range {
  const prefix = site.network.prefixLength;
  const gateway = parseRange(`${site.network.gateway}/32`).base;
  return { base: gateway - (gateway % 2 ** (32 - prefix)), prefix };
}

/**
 * A frontend's interface in its site's own network: the first address that no other frontend and no
 * host of the site has.
 *
 * @throws {Failure} NoCapacity.
 */
export function planSiteInterface(
  input: PlanInput,
  site: Site,
  index: number,
): NonNullable<Vm['siteInterface']> {
  const used = [...(input.ledger.siteAddresses[site.name] ?? []), ...hostAddresses(site)];
  const address = site.network.addresses.find((each) => !used.includes(each));
  if (address === undefined) {
    throw new Failure(
      'NoCapacity',
      `site ${site.name} has no free address for a frontend VM: all ${site.network.addresses.length} are in use`,
      {
        help: "destroy a cluster, or ask the site's administrator for more addresses",
      },
    );
  }
  return { bridge: site.network.bridge, mac: macFor(input.clusterId, 0x8000 + index), address };
}

/** Addresses that machines of the site have, should its registration name one of them for VMs. */
function hostAddresses(site: Site): string[] {
  const { gateway, dns } = site.network;
  const named = [gateway, ...(dns === undefined ? [] : [dns])];
  if (site.kind === 'memory') return named;
  return [...named, site.frontend.lanAddress, ...site.containers.map(({ address }) => address)];
}
