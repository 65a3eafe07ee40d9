import type { Mark } from '../../../domain/mark.ts';

/** Eight of the cluster id's digits begin the names of its interfaces, which have 15 characters at most. */
function short(clusterId: string): string {
  return clusterId.slice(0, 8);
}

/** What a cluster's interfaces are called at a VM container; the firewall knows them by how they begin. */
export function bridgePrefix(clusterId: string): string {
  return `b${short(clusterId)}-`;
}

export function linkPrefix(clusterId: string): string {
  return `w${short(clusterId)}-`;
}

/** The device for direct links. */
export function directDevice(clusterId: string): string {
  return `${linkPrefix(clusterId)}d`;
}

/** @param index of the relay in the order of the table. */
export function relayDevice(clusterId: string, index: number): string {
  return `${linkPrefix(clusterId)}r${index}`;
}

/** A range of unique local addresses (RFC 4193) for what the containers say to each other inside the links. */
export function prefix6(clusterId: string): string {
  const digits = clusterId.slice(0, 10);
  return `fd${digits.slice(0, 2)}:${digits.slice(2, 6)}:${digits.slice(6, 10)}`;
}

/** @param link 0 for direct links, 1 and on for those of the relays. @param number of the container. */
export function linkAddress(clusterId: string, link: number, number: number): string {
  return addressInLink(prefix6(clusterId), link, number);
}

/** The same, of a range that is known. */
export function addressInLink(range: string, link: number, number: number): string {
  return `${range}:${link.toString(16)}::${number.toString(16)}`;
}

/** UDP port on which the containers speak inside the links. */
export const pathsPort = 7946;

export const guardTable = (clusterId: string) => `mvc_${clusterId}_guard`;
export const fenceTable = (clusterId: string) => `mvc_${clusterId}_fence`;
export const outsideTable = (clusterId: string) => `mvc_${clusterId}_outside`;
export const forwardTable = (clusterId: string) => `mvc_${clusterId}_forward`;

/**
 * In which the kernel remembers a cluster's flows, so that they are forgotten with it: else those of the next
 * one at the same ports or addresses would be taken for them.
 */
export function flowZone(clusterId: string): number {
  return 1 + (Number.parseInt(clusterId.slice(0, 8), 16) % 65_535);
}

export const servicePrefix = ({ clusterId }: Mark) => `mvc-${clusterId}-`;
/** Of a routed overlay's services; `forward` at a physical frontend, the others at VM containers. */
export const serviceNames = (mark: Mark) => ({
  ground: `${servicePrefix(mark)}ground`,
  dhcp: `${servicePrefix(mark)}dhcp`,
  paths: `${servicePrefix(mark)}paths`,
  forward: `${servicePrefix(mark)}forward`,
  link: (device: string) => `${servicePrefix(mark)}link-${device.slice(10)}`,
});
