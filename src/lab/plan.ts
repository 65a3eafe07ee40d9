import { createHash } from 'node:crypto';
import { Failure } from '../domain/failure.ts';

/** A machine of the lab: a physical frontend or a VM container. */
export interface LabMachine {
  /** `<site>` for the physical frontend, `<site>-<container>` for a VM container. */
  name: string;
  site: string;
  /** Absent for the physical frontend. */
  container?: string;
  /** In its site's LAN. */
  lanAddress: string;
}

export interface LabSite {
  name: string;
  /** Of the physical frontend on the WAN. */
  wanAddress: string;
  /** Loopback port of this machine at which the site's sshd is offered. */
  doorPort: number;
  frontend: LabMachine;
  containers: LabMachine[];
  /** What its gateway lets in, and how it translates; `open` if not said. */
  nat?: NatKind;
  /** How often its gateway was replaced by another one, which knows nothing of the flows before. */
  gatewayChanges?: number;
  /** Where the controller's ssh goes, if it did not follow the site to its new address. */
  doorAddress?: string;
}

/**
 * - `open`: what the site's own rules hand on to containers is let in, UDP and TCP at the site's overlay ports.
 * - `full-cone`: a container keeps its UDP port, and who ever sends to it gets through.
 * - `port-restricted`: it keeps its port; only the address and port to which it has sent get through.
 * - `symmetric`: another port for each address and port to which it sends.
 * - `udp-blocked`: no UDP, neither way.
 * - `double`: `port-restricted` behind a provider's NAT of the same kind.
 *
 * But for `open`, nothing comes in unasked except ssh to the gateway.
 */
export const natKinds = [
  'open',
  'full-cone',
  'port-restricted',
  'symmetric',
  'udp-blocked',
  'double',
] as const;
export type NatKind = (typeof natKinds)[number];

/** A lab as it should be. Milliseconds between any two ends of its WAN. */
export interface LabPlan {
  /** Short mark of everything that belongs to this lab; made from its state directory. */
  id: string;
  rttMs: number;
  sites: LabSite[];
  /** Sites whose WAN is cut at the moment. */
  cut?: string[];
  /** False if the lab's first namespace made the mount that names namespaces: then it goes with the last. */
  netnsWasMounted?: boolean;
}

/** The sites' LANs are alike on purpose: nothing may rely on private addresses being unique. */
export const lan = {
  bridge: 'lan0',
  gateway: '192.168.10.1',
  prefixLength: 24,
  /** For VMs, given to the controller. */
  addresses: Array.from({ length: 8 }, (_, index) => `192.168.10.${100 + index}`),
};
export const wan = {
  interface: 'wan0',
  network: '198.51.100.0/24',
  prefixLength: 24,
  controllerAddress: '198.51.100.2',
};
/** Between a provider's NAT and the gateway of a site that has no public address of its own. */
export const carrier = {
  interface: 'site0',
  address: '100.64.0.1',
  siteAddress: '100.64.0.2',
  prefixLength: 30,
};
export const udpPorts = { first: 7700, last: 7799 };

const siteNames = (
  'alpine beach cloud desert estuary forest glacier harbor island jungle ' +
  'karst lagoon meadow nunatak oasis prairie quarry river steppe tundra'
).split(' ');
const maxContainers = 50;

/** The WAN's end at which the controller stands; it is no site. */
export const controllerEnd = 'ctl';

export function labId(home: string): string {
  return createHash('sha256').update(home).digest('hex').slice(0, 5);
}

/** Every lab of the machine has namespaces of its own. */
export function namespaceOf(id: string, name: string): string {
  return `mvclab-${id}-${name}`;
}

export function natOf(site: LabSite): NatKind {
  return site.nat ?? 'open';
}

/** The namespace of its provider's NAT, if the site is behind one. */
export function carrierOf(site: LabSite): string {
  return `${site.name}-carrier`;
}

/** The namespace that has the site's public address. */
export function borderOf(site: LabSite): string {
  return natOf(site) === 'double' ? carrierOf(site) : site.frontend.name;
}

/**
 * @param hosts VM containers per site, in order; by default two at the second site and one elsewhere.
 * @param doorPorts as many free loopback ports as there are sites.
 * @throws {Failure} BadInput.
 */
export function planLab(options: {
  id: string;
  rttMs: number;
  sites: number;
  hosts?: number[];
  doorPorts: number[];
}): LabPlan {
  const { id, rttMs, sites, doorPorts } = options;
  checkRtt(rttMs);
  if (!Number.isInteger(sites) || sites < 3 || sites > siteNames.length) {
    throw new Failure('BadInput', `a lab has from 3 to ${siteNames.length} sites, not ${sites}`);
  }
  const hosts = options.hosts ?? Array.from({ length: sites }, (_, at) => (at === 1 ? 2 : 1));
  if (hosts.length !== sites) {
    throw new Failure(
      'BadInput',
      `${sites} sites need ${sites} numbers of VM containers, not ${hosts.length}`,
      { help: 'for example `--sites 3 --hosts 1,2,1`' },
    );
  }
  for (const count of hosts) {
    if (Number.isInteger(count) && count >= 1 && count <= maxContainers) continue;
    throw new Failure('BadInput', `a site has from 1 to ${maxContainers} VM containers`);
  }
  return {
    id,
    rttMs,
    sites: hosts.map((count, at) => planSite(siteNames[at] ?? '', at, count, doorPorts[at] ?? 0)),
  };
}

function planSite(name: string, index: number, containers: number, doorPort: number): LabSite {
  return {
    name,
    wanAddress: `198.51.100.${11 + index}`,
    doorPort,
    frontend: { name, site: name, lanAddress: lan.gateway },
    containers: Array.from({ length: containers }, (_, at) => ({
      name: `${name}-h${at + 1}`,
      site: name,
      container: `h${at + 1}`,
      lanAddress: `192.168.10.${11 + at}`,
    })),
  };
}

/** @throws {Failure} BadInput. */
export function checkRtt(rttMs: number): void {
  if (Number.isFinite(rttMs) && rttMs >= 0 && rttMs <= 2000) return;
  throw new Failure('BadInput', `a round trip takes from 0 to 2000 ms, not ${rttMs}`);
}

/** @throws {Failure} BadInput unless it is an address of the WAN that nobody else has. */
export function checkPublicAddress(plan: LabPlan, site: string, address: string): void {
  const host = Number(/^198\.51\.100\.(\d{1,3})$/.exec(address)?.[1] ?? 0);
  if (host < 3 || host > 254) {
    throw new Failure('BadInput', `the WAN has no address ${address} for a site`, {
      help: 'name one from 198.51.100.3 to 198.51.100.254',
    });
  }
  const holder = plan.sites.find((each) => each.wanAddress === address && each.name !== site);
  if (holder) throw new Failure('Conflict', `${address} is the address of ${holder.name}`);
}

export function machinesOf(plan: LabPlan): LabMachine[] {
  return plan.sites.flatMap((site) => [site.frontend, ...site.containers]);
}

/** @throws {Failure} NotFound, naming those that exist. */
export function findMachine(plan: LabPlan, name: string): LabMachine {
  const machines = machinesOf(plan);
  const found = machines.find((machine) => machine.name === name);
  if (found) return found;
  const known = machines.map((machine) => machine.name).join(', ');
  throw new Failure('NotFound', `the lab has no machine ${name}; it has: ${known}`);
}

/** @throws {Failure} NotFound, naming those that exist. */
export function findSite(plan: LabPlan, name: string): LabSite {
  const found = plan.sites.find((site) => site.name === name);
  if (found) return found;
  const known = plan.sites.map((site) => site.name).join(', ');
  throw new Failure('NotFound', `the lab has no site ${name}; it has: ${known}`);
}
