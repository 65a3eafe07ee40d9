import { Rooms, type Size } from './placement.ts';
import type { SiteFacts } from './site.ts';

/** What is left at a VM container before a plan is carried out, and after. */
export interface ContainerRoom {
  site: string;
  container: string;
  free: Size;
  after: Size;
}

/** A VM where it is, or is to be. */
interface Placed extends Size {
  site: string;
  container: string;
}

/**
 * The room at each VM container that a plan takes from or gives back to; without what the containers
 * keep for themselves.
 *
 * @param facts of the sites, as they said them last.
 * @param gone VMs that are there and go, also those that are made anew.
 */
export function planRooms(
  facts: readonly SiteFacts[],
  made: readonly Placed[],
  gone: readonly Placed[],
): ContainerRoom[] {
  return facts.flatMap((each) => {
    const here = ({ site }: Placed) => site === each.site;
    const [taken, freed] = [made.filter(here), gone.filter(here)];
    const free = new Rooms(each).list();
    const rooms = new Rooms(each);
    for (const vm of freed) rooms.giveBack(vm.container, vm);
    for (const vm of taken) rooms.take(vm.container, vm);
    const touched = new Set([...taken, ...freed].map(({ container }) => container));
    return rooms.list().flatMap(({ container, ...after }, index) => {
      const before = free[index];
      if (!before || !touched.has(container)) return [];
      const { cpus, memoryMiB } = before;
      return [{ site: each.site, container, free: { cpus, memoryMiB }, after }];
    });
  });
}
