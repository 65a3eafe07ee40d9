import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabOverlay } from '../lab-overlay.ts';
import { firstReply, linksStartedAt } from '../lab-vm.ts';

/** What users see, where the machine has a processor to spare for each few containers. */
const aimSeconds = 10;
/** Timings of a machine that does other things too are no proof: no more than this is asserted. */
const limitSeconds = 30;

describe('twelve VM containers at four sites that join at once', () => {
  let overlay: LabOverlay;
  beforeAll(async () => {
    overlay = await LabOverlay.open(
      (['open', 'open', 'port-restricted', 'symmetric'] as const).map((nat) => ({
        nat,
        containers: 3,
      })),
      20,
    );
  });
  afterAll(async () => overlay?.close());

  it('all reach each other soon', async () => {
    const began = Date.now();
    const waits = overlay.vms.flatMap((from, index) =>
      overlay.vms.slice(index + 1).map(async (to) => {
        const at = await firstReply(from, to, 90);
        return { from, to, at };
      }),
    );
    await overlay.apply();
    const applied = (Date.now() - began) / 1000;
    const pairs = await Promise.all(waits);
    const starts = new Map(
      await Promise.all(overlay.vms.map(async (vm) => [vm, await linksStartedAt(vm)] as const)),
    );
    const fromOrder = pairs.map(({ at }) => (at - began) / 1000);
    const fromStart = pairs.map(({ from, to, at }) => {
      return (at - Math.max(starts.get(from) ?? began, starts.get(to) ?? began)) / 1000;
    });
    console.log(
      `measured, ${pairs.length} pairs (aim ${aimSeconds} s): from the start of both ends' links ` +
        `to the first answer ${summary(fromStart)}; from the order, which was carried out after ` +
        `${applied} s, ${summary(fromOrder)}`,
    );
    expect(fromOrder.filter((seconds) => seconds > limitSeconds)).toEqual([]);
  });
});

function summary(seconds: number[]): string {
  const sorted = seconds.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.ceil(sorted.length * share) - 1] ?? Infinity).toFixed(1);
  return `p50 ${at(0.5)} s, p99 ${at(0.99)} s, max ${at(1)} s`;
}
