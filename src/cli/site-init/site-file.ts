import { readFile } from 'node:fs/promises';
import { Failure } from '../../domain/failure.ts';
import type { LibvirtSite } from '../../domain/site.ts';
import { parseSiteDraft, unknownKey } from '../site-draft.ts';
import type { SitePlan } from './site-plan.ts';
import { ignoreAbsent } from '../../transport/durable-file.ts';

/** What is to be done about the site's file. */
export type SiteFileWork = { keep: true } | { keep: false; text: string };

/**
 * A file that says the same is kept, with its comments and the host keys that a person has compared.
 *
 * @param force writes over one that says something else; host keys are kept for addresses that stay.
 * @throws {Failure} BadInput if there is another one, naming the fields.
 */
export async function planSiteFile(
  file: string,
  plan: SitePlan,
  key: string,
  force: boolean,
): Promise<SiteFileWork> {
  const { parse } = await import('yaml');
  const before = await ignoreAbsent(readFile(file, 'utf8'));
  if (before === undefined) return { keep: false, text: renderSiteFile(plan, key, new Map()) };
  const wanted = parseSiteDraft(file, parse(renderSiteFile(plan, key, new Map())));
  const there = draftOf(file, () => parse(before));
  const differing = 'site' in there ? differingFields(there.site, wanted) : [there.fault];
  if (differing.length === 0) return { keep: true };
  if (!force) throw otherFile(file, differing);
  const known = 'site' in there ? knownKeys(there.site) : new Map<string, string>();
  return { keep: false, text: renderSiteFile(plan, key, known) };
}

function otherFile(file: string, differing: string[]): Failure {
  const message = `${file} exists and says something else: ${differing.join(', ')}; nothing was changed`;
  return new Failure('BadInput', message, {
    help: 'edit that file, or write it anew with --force (host keys stay where the address does), or elsewhere with --write <directory>',
  });
}

function draftOf(file: string, parse: () => unknown): { site: LibvirtSite } | { fault: string } {
  try {
    return { site: parseSiteDraft(file, parse()) };
  } catch (error) {
    return { fault: `it is no site (${error instanceof Error ? error.message : String(error)})` };
  }
}

/** Fields whose values differ, as `field there → wanted`. Host keys say nothing of what was asked for. */
function differingFields(there: LibvirtSite, wanted: LibvirtSite): string[] {
  const [before, after] = [leaves(there), leaves(wanted)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((path) => !path.endsWith('hostKey') && before.get(path) !== after.get(path))
    .map((path) => `${path} ${before.get(path) ?? 'absent'} → ${after.get(path) ?? 'absent'}`);
}

function leaves(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null) return new Map([[path, String(value)]]);
  const fields = Object.entries(value).map(([name, field]) =>
    leaves(field, path === '' ? name : `${path}.${name}`),
  );
  return new Map(fields.flatMap((each) => [...each]));
}

/** `address:port` → compared host key. */
function knownKeys({ frontend, containers }: LibvirtSite): Map<string, string> {
  const hosts = [frontend, ...containers].filter((each) => each.hostKey !== unknownKey);
  return new Map(hosts.map(({ address, port, hostKey }) => [`${address}:${port}`, hostKey]));
}

/** Every value was checked by its schema: none can end its line or its quotes. */
function renderSiteFile(plan: SitePlan, key: string, known: Map<string, string>): string {
  const keyOf = (address: string, port: number) => `'${known.get(`${address}:${port}`) ?? ''}'`;
  const containers = plan.containers.map(
    ({ name, address }) =>
      `  - { name: ${name}, address: ${address}, hostKey: ${keyOf(address, 22)} }`,
  );
  const inbound = plan.inbound ? '' : '  inbound: false # no UDP from outside arrives there\n';
  return `# Written by mvc site init; yours to edit.
name: ${plan.name}
kind: libvirt
key: ${JSON.stringify(key)} # private; stays on this machine
frontend:
  address: ${plan.address}
  port: ${plan.port}
  hostKey: ${keyOf(plan.address, plan.port)} # \`mvc site keys\` fills these in, after you compared them
  publicAddress: ${plan.publicAddress} # where other sites' UDP reaches it
  lanAddress: ${plan.lanAddress} # as its VM containers see it
${inbound}containers:
${containers.join('\n')}
network: # the site's own, for the second interface of frontend VMs
  bridge: ${plan.bridge} # on each VM container
  gateway: ${plan.gateway}
  prefixLength: ${plan.prefixLength}
  addresses: [${plan.addresses.join(', ')}]
udpPorts: { first: ${plan.udpPorts.first}, last: ${plan.udpPorts.last} }
`;
}
