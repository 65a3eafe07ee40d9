import { Failure } from './failure.ts';
import type { SiteFacts } from './site.ts';

/** Memory that a VM container keeps for itself, MiB. */
export const hostReserveMiB = 256;

/** What one VM takes. */
export interface Demand {
  name: string;
  cpus: number;
  memoryMiB: number;
}

interface Room {
  container: string;
  cpus: number;
  memoryMiB: number;
}

/**
 * Chooses a VM container for each VM of one site: the one with the most memory left, so that load
 * spreads. Deterministic for equal facts.
 *
 * @returns VM name → container name.
 * @throws {Failure} NoCapacity, with what is free.
 */
export function placeVms(facts: SiteFacts, demands: Demand[]): Map<string, string> {
  const rooms = roomsOf(facts);
  const placed = new Map<string, string>();
  for (const demand of demands) {
    const room = rooms
      .filter((each) => each.cpus >= demand.cpus && each.memoryMiB >= demand.memoryMiB)
      .sort((a, b) => b.memoryMiB - a.memoryMiB || (a.container < b.container ? -1 : 1))[0];
    if (!room) throw noRoom(facts, demands, demand);
    room.cpus -= demand.cpus;
    room.memoryMiB -= demand.memoryMiB;
    placed.set(demand.name, room.container);
  }
  return placed;
}

function roomsOf(facts: SiteFacts): Room[] {
  return facts.hosts.flatMap((host) =>
    host.capacity
      ? [
          {
            container: host.host,
            cpus: host.capacity.cpus - host.capacity.committedCpus,
            memoryMiB: host.capacity.memoryMiB - host.capacity.committedMiB - hostReserveMiB,
          },
        ]
      : [],
  );
}

function noRoom(facts: SiteFacts, demands: Demand[], demand: Demand): Failure {
  const free = roomsOf(facts)
    .map((room) => `${room.container} ${room.cpus} cpus and ${room.memoryMiB} MiB`)
    .join(', ');
  return new Failure(
    'NoCapacity',
    `site ${facts.site} cannot hold the ${demands.length} VMs asked of it: no VM container has ${demand.cpus} cpus and ` +
      `${demand.memoryMiB} MiB left for ${demand.name} (free: ${free || 'no VM container'})`,
    { help: 'ask for fewer or smaller VMs there, or ask the site for more' },
  );
}
