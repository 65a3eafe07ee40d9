import { Failure } from './failure.ts';
import { registeredSites, type PlanInput, type SurveyedSite } from './plan-input.ts';
import type { FoundDomain } from './site.ts';
import { domainName, type Vm } from './vm.ts';

/** A domain at a site that is not of the cluster being planned. */
export interface ForeignDomain extends FoundDomain {
  site: string;
  host: string;
}

/** All domains at all registered sites, but for those of the cluster itself. */
export function foreignDomains(input: PlanInput): ForeignDomain[] {
  return domainsAt(registeredSites(input)).filter(
    (domain) => domain.mark?.clusterId !== input.clusterId,
  );
}

/** Whatever these sites said last that they have. */
export function domainsAt(sites: SurveyedSite[]): ForeignDomain[] {
  return sites.flatMap(({ site, facts }) =>
    facts.hosts.flatMap((host) =>
      host.domains.map((domain) => ({ site: site.name, host: host.host, ...domain })),
    ),
  );
}

/** The domain for a person: what it is called, where it is and whose it is. */
export function whose({ name, host, site, mark }: ForeignDomain): string {
  const owner = mark ? `cluster ${mark.cluster} (${mark.clusterId})` : 'somebody else';
  return `domain ${name} at ${site}/${host}, of ${owner}`;
}

/** @throws {Failure} Conflict if somebody else's domain at the VM's site has the VM's name. */
export function checkName(cluster: string, vm: Vm, foreign: ForeignDomain[]): void {
  const name = domainName(cluster, vm.name);
  const taken = foreign.find((domain) => domain.site === vm.site && domain.name === name);
  if (!taken) return;
  throw new Failure(
    'Conflict',
    `site ${vm.site} already has a domain ${name} at ${taken.host} that does not belong to this cluster; it was left untouched`,
    { help: 'choose another cluster name, or ask whoever owns that domain to rename it' },
  );
}
