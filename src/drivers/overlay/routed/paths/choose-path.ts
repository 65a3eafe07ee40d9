import { directDevice, hasAllPeers, relayOf } from './addresses.ts';
import type { PathsConfig } from './config.ts';
import type { PathClass } from './state.ts';

/** What is known when a peer's path is chosen. */
export interface PathFacts {
  /** Whether the link with this container on this device is alive. */
  alive(device: number, number: number): boolean;
  /** Whether the relay of this device reaches the peer, as far as is known. */
  reaches(device: number, number: number): boolean;
  /** The device of the relay that this container uses where it has the choice. */
  relay: number;
  /** Where the peer's addresses go now. */
  current: number | undefined;
}

export interface Path {
  device: number;
  class: PathClass;
}

/** The best live path to the peer; if none is alive the one it has, else the first relay. */
export function choosePath(config: PathsConfig, number: number, facts: PathFacts): Path {
  for (const device of inOrder(config, number, facts)) {
    if (leadsThere(config, number, device)) {
      if (facts.alive(device, number)) return { device, class: classOf(config, number) };
    } else {
      const relay = relayOf(config, device) ?? 0;
      if (facts.alive(device, relay) && facts.reaches(device, number)) {
        return { device, class: 'relayed' };
      }
    }
  }
  return { device: lastResort(config, number, facts), class: 'down' };
}

/** Whether the other end of the device's link is the peer itself. */
function leadsThere(config: PathsConfig, number: number, device: number): boolean {
  return hasAllPeers(config, device) || relayOf(config, device) === number;
}

function inOrder(config: PathsConfig, number: number, facts: PathFacts): number[] {
  const relays = config.relays.map((_, index) => index + 1);
  const own = relays.filter((device) => leadsThere(config, number, device));
  const others = relays
    .filter((device) => !own.includes(device))
    .toSorted((a, b) => Number(b === facts.relay) - Number(a === facts.relay));
  // The link with a relay is kept by its own device; that for direct links stands in for it.
  if (own.length > 0) return [...own, directDevice, ...others];
  return config.relayOnly ? [...others, directDevice] : [directDevice, ...others];
}

/** A relay of our own site has its endpoint in the LAN too. */
function classOf(config: PathsConfig, number: number): PathClass {
  const lan = config.peers.find((peer) => peer.number === number)?.lanEndpoint;
  return lan ? 'lan' : 'direct';
}

function lastResort(config: PathsConfig, number: number, facts: PathFacts): number {
  if (facts.current !== undefined && facts.current !== directDevice) return facts.current;
  return inOrder({ ...config, relayOnly: true }, number, facts)[0] ?? 1;
}
