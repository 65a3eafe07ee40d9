import { Failure } from './failure.ts';
import { ipv4Schema } from './names.ts';
import { vmsAt, type Edge, type Peer } from './overlay.ts';
import { siteOf, type PlanInput } from './plan-input.ts';
import type { PortAllocator } from './plan-overlay.ts';
import { hostFacts } from './site.ts';

/** More than one, so that none is a single point of failure; each costs every container a device. */
const relaysAtMost = 2;

/**
 * Decides the peers of an overlay that joins containers: one for each VM container that has an edge. Those that are
 * there keep number and ports, so that no link of theirs is touched. The container of the frontend VM is a
 * relay, and one of another site that UDP reaches; in clear there are no links, and so no relays.
 *
 * @param recorded the peers that are there.
 * @throws {Failure} MissingTool, BadInput or NoCapacity.
 */
export function planPeers(
  input: PlanInput,
  edges: Edge[],
  ports: PortAllocator,
  recorded: Peer[] = [],
): Peer[] {
  const places = uniquePlaces(edges);
  const used = new Set(recorded.map(({ number }) => number));
  const peers = places.map(({ site, container }) => {
    const before = recorded.find((each) => each.site === site && each.container === container);
    const facts = factsOf(input, site, container);
    return {
      number: before?.number ?? lowestFree(used),
      site,
      container,
      ...facts,
      port: before?.port ?? ports.next(site),
      ...(before?.relayPort === undefined ? {} : { relayPort: before.relayPort }),
      vms: vmsAt(edges, { site, container }),
    };
  });
  const { overlay, origin } = input.spec;
  const inClear = overlay.kind === 'vxlan' && overlay.insecure;
  const relays = inClear ? [] : chooseRelays(peers, origin);
  const chosen = new Set(relays.map(({ number }) => number));
  return peers.map(({ relayPort, ...peer }) =>
    chosen.has(peer.number) ? { ...peer, relayPort: relayPort ?? ports.next(peer.site) } : peer,
  );
}

function uniquePlaces(edges: Edge[]): { site: string; container: string }[] {
  const places = new Map(
    edges.map(({ site, container }) => [`${site}/${container}`, { site, container }]),
  );
  return [...places.values()];
}

function lowestFree(used: Set<number>): number {
  let number = 1;
  while (used.has(number)) number += 1;
  used.add(number);
  return number;
}

function factsOf(input: PlanInput, siteName: string, container: string) {
  const { site, facts } = siteOf(input, siteName);
  if (site.kind !== 'libvirt') {
    throw new Failure('BadInput', `site ${siteName} of kind ${site.kind} has no overlay routed`);
  }
  const host = hostFacts(facts, container);
  const definition = site.containers.find(({ name }) => name === container);
  if (host?.linkKey === undefined || !definition) {
    throw new Failure(
      'MissingTool',
      `VM container ${container} of site ${siteName} has told no key`,
      {
        help: '`mvc site update` asks it anew; a program of an older version there has none',
      },
    );
  }
  return {
    publicKey: host.linkKey,
    lanAddress: lanAddressOf(siteName, definition),
    publicAddress: site.frontend.publicAddress,
    inbound: site.frontend.inbound,
  };
}

function lanAddressOf(site: string, { name, address }: { name: string; address: string }): string {
  if (ipv4Schema.safeParse(address).success) return address;
  throw new Failure(
    'BadInput',
    `VM container ${name} of site ${site} is registered as ${address}: overlay routed needs its IPv4 address`,
    { help: "register the site anew with the container's address in its LAN" },
  );
}

/** Relays stay relays: a change of relay would move traffic for nothing. */
function chooseRelays(
  peers: (Omit<Peer, 'relayPort'> & { relayPort?: number })[],
  origin: string,
): Peer[] {
  // The frontend is the first VM in every list, and so is its container among the peers.
  const first = peers.find((peer) => peer.site === origin);
  const others = peers
    .filter((peer) => peer !== first && peer.site !== origin && peer.inbound)
    .toSorted((a, b) => Number(b.relayPort !== undefined) - Number(a.relayPort !== undefined));
  return [...(first ? [first] : []), ...others].slice(0, relaysAtMost);
}
