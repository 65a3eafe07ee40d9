import type { ClusterSpec } from './cluster.ts';
import { Failure } from './failure.ts';
import type { Site, SiteFacts } from './site.ts';

/** A registered site and what it said last. */
export interface SurveyedSite {
  site: Site;
  facts: SiteFacts;
}

/** What other clusters already use. */
export interface Ledger {
  /** CIDR. */
  networks: string[];
  macs: string[];
  /** Site → UDP ports. */
  ports: Record<string, number[]>;
  /** Site → addresses in the site's own network. */
  siteAddresses: Record<string, string[]>;
}

/** All that a plan depends on. */
export interface PlanInput {
  spec: ClusterSpec;
  clusterId: string;
  sites: SurveyedSite[];
  /**
   * The other registered sites. Nothing is placed there, but a MAC must not be in use anywhere: where the
   * overlay is routed, nothing else finds the same one twice.
   */
  elsewhere?: SurveyedSite[];
  ledger: Ledger;
}

export function registeredSites({ sites, elsewhere = [] }: PlanInput): SurveyedSite[] {
  return [...sites, ...elsewhere];
}

/** @throws {Failure} BadInput for a site that is not registered. */
export function siteOf(input: PlanInput, name: string): SurveyedSite {
  const found = input.sites.find(({ site }) => site.name === name);
  if (!found)
    throw new Failure('BadInput', `site ${name} is not registered`, {
      help: '`mvc site list` shows the registered sites',
    });
  return found;
}
