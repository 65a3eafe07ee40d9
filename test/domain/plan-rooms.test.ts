import { describe, expect, it } from 'vitest';
import { hostReserveMiB } from '../../src/domain/placement.ts';
import { planRooms } from '../../src/domain/plan-rooms.ts';
import { libvirtSite, roomyFacts } from '../helpers/specs.ts';

const facts = roomyFacts(libvirtSite('alpine', 2));
const free = { cpus: 8, memoryMiB: 8192 - hostReserveMiB };
const vm = { site: 'alpine', container: 'h2', cpus: 2, memoryMiB: 512 };

describe('the room of a plan', () => {
  it('is told of the VM containers that the plan touches, without what they keep', () => {
    expect(planRooms([facts], [vm, { ...vm, site: 'beach' }], [])).toEqual([
      {
        site: 'alpine',
        container: 'h2',
        free,
        after: { cpus: 6, memoryMiB: free.memoryMiB - 512 },
      },
    ]);
  });

  it('grows where VMs go, and changes by the difference where one is made anew', () => {
    const bigger = { ...vm, memoryMiB: 768 };
    const [room] = planRooms([facts], [bigger], [vm]);
    expect(room?.after).toEqual({ cpus: 8, memoryMiB: free.memoryMiB - 256 });
    expect(planRooms([facts], [], [vm])[0]?.after.cpus).toBe(10);
  });
});
