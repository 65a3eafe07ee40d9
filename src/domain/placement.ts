import { Failure } from './failure.ts';
import type { SiteFacts } from './site.ts';

/** Memory that a VM container keeps for itself, MiB. */
export const hostReserveMiB = 256;

/** Sizes as a VM has them. */
export interface Size {
  cpus: number;
  memoryMiB: number;
}

/** What one VM takes. */
export interface Demand extends Size {
  name: string;
}

interface Room extends Size {
  container: string;
}

/** What is left at the VM containers of one site while VMs are being placed there. */
export class Rooms {
  readonly site: string;
  private readonly rooms: Room[];

  constructor(facts: SiteFacts) {
    this.site = facts.site;
    this.rooms = facts.hosts.flatMap(({ host, capacity }) =>
      capacity
        ? [
            {
              container: host,
              cpus: capacity.cpus - capacity.committedCpus,
              memoryMiB: capacity.memoryMiB - capacity.committedMiB - hostReserveMiB,
            },
          ]
        : [],
    );
  }

  fits(container: string, size: Size): boolean {
    return this.rooms.some((room) => room.container === container && holds(room, size));
  }

  take(container: string, size: Size): void {
    this.change(container, size, -1);
  }

  giveBack(container: string, size: Size): void {
    this.change(container, size, 1);
  }

  /**
   * Chooses a VM container for each VM: the one with the most memory left, so that load spreads.
   * Deterministic for equal rooms.
   *
   * @returns VM name → container name.
   * @throws {Failure} NoCapacity, with what is free.
   */
  place(demands: Demand[]): Map<string, string> {
    const free = this.describe();
    const placed = new Map<string, string>();
    for (const demand of demands) {
      const room = this.rooms
        .filter((each) => holds(each, demand))
        .sort((a, b) => b.memoryMiB - a.memoryMiB || (a.container < b.container ? -1 : 1))[0];
      if (!room) throw this.noRoom(demands, demand, free);
      this.take(room.container, demand);
      placed.set(demand.name, room.container);
    }
    return placed;
  }

  /** What is left where, in the site's own order. */
  list(): readonly Readonly<Room>[] {
    return this.rooms.map((room) => ({ ...room }));
  }

  /** For a person: what is left where. */
  describe(): string {
    const list = this.rooms.map(
      (room) => `${room.container} ${room.cpus} cpus and ${room.memoryMiB} MiB`,
    );
    return list.join(', ') || 'no VM container';
  }

  private change(container: string, size: Size, sign: 1 | -1): void {
    const room = this.rooms.find((each) => each.container === container);
    if (!room) return;
    room.cpus += sign * size.cpus;
    room.memoryMiB += sign * size.memoryMiB;
  }

  private noRoom(demands: Demand[], demand: Demand, free: string): Failure {
    return new Failure(
      'NoCapacity',
      `site ${this.site} cannot hold the ${demands.length} VMs asked of it: no VM container has ${demand.cpus} cpus and ` +
        `${demand.memoryMiB} MiB left for ${demand.name} (free: ${free})`,
      { help: 'ask for fewer or smaller VMs there, or ask the site for more' },
    );
  }
}

function holds(room: Size, size: Size): boolean {
  return room.cpus >= size.cpus && room.memoryMiB >= size.memoryMiB;
}

/**
 * Places VMs at a site by what it said of itself.
 *
 * @returns VM name → container name.
 * @throws {Failure} NoCapacity, with what is free.
 */
export function placeVms(facts: SiteFacts, demands: Demand[]): Map<string, string> {
  return new Rooms(facts).place(demands);
}
