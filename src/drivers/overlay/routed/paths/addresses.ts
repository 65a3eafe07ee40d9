import { addressInLink } from '../names.ts';
import type { PathsConfig } from './config.ts';

/**
 * Devices are counted: 0 is the one for direct links, 1 + k that of relay k. The same count is the subnet of
 * the probe addresses on it.
 */
export const directDevice = 0;

export function deviceNames(config: PathsConfig): string[] {
  return [config.direct.device, ...config.relays.map((relay) => relay.device)];
}

/** Number of the container that relays on this device; none for direct links. */
export function relayOf(config: PathsConfig, device: number): number | undefined {
  return config.relays[device - 1]?.number;
}

/** Whether this container has all others as peers on the device: then each is reached without a relay. */
export function hasAllPeers(config: PathsConfig, device: number): boolean {
  return device === directDevice || relayOf(config, device) === config.self;
}

export function probeAddress(config: PathsConfig, device: number, number: number): string {
  return normalAddress(addressInLink(config.prefix6, device, number));
}

/** IPv6 as programs write it: an address that arrives is looked up by its text. */
export function normalAddress(address: string): string {
  return new URL(`http://[${address}]/`).hostname.slice(1, -1);
}

/** What the peer may send from, on this device of ours. */
export function allowedAddresses(config: PathsConfig, device: number, number: number): string[] {
  const whole = !hasAllPeers(config, device);
  const behind = config.peers.filter((peer) => whole || peer.number === number);
  return behind.flatMap((peer) => [
    ...peer.addresses.map((address) => `${address}/32`),
    `${probeAddress(config, device, peer.number)}/128`,
  ]);
}
