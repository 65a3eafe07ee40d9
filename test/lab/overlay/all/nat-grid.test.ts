import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labAddress } from '../../../../src/lab/faults.ts';
import { natKinds, type NatKind } from '../../../../src/lab/plan.ts';
import { until } from '../hosts.ts';
import { LabOverlay } from '../lab-overlay.ts';
import { fetchedDigest, firstReply, lostOfFullSize, serveFiles, type LabVm } from '../lab-vm.ts';
import { expectedPath, pairsOfKinds, renderGrid, showPath, type KindPair } from '../path-grid.ts';
import { startPings } from '../pings.ts';

/** As much as the second stage of a compute's boot. */
const fileBytes = 4 * 1024 * 1024;
const fileName = 'stage2';

/** One lab for all pairs at once: the origin, and two sites of each kind. */
describe('paths between sites with every two kinds of NAT', () => {
  const files = mkdtempSync(join(tmpdir(), 'mvc-grid-files-'));
  const content = randomBytes(fileBytes);
  const digest = createHash('sha256').update(content).digest('hex');
  let overlay: LabOverlay;
  let appliedAt: number;
  /** Of each pair, in their order: when the first ping of one was answered by the other. */
  let firstReplies: Promise<number>[];

  beforeAll(async () => {
    const kinds = ['open' as const, ...natKinds, ...natKinds];
    overlay = await LabOverlay.open(
      kinds.map((nat) => ({ nat, containers: 1 })),
      20,
    );
    writeFileSync(join(files, fileName), content);
    for (const vm of overlay.vms) await serveFiles(vm, files);
    appliedAt = Date.now();
    firstReplies = pairsOfKinds.map((pair) => firstReply(...vmsOf(pair), 60));
    await overlay.apply();
    measured('applied at 13 containers after s', secondsSince(appliedAt));
  });
  afterAll(async () => {
    await overlay?.close();
    rmSync(files, { recursive: true });
  });

  it('connects all within 30 s', async () => {
    const replies = await Promise.all(firstReplies);
    const late = pairsOfKinds.filter((_, index) => secondsTo(replies[index]) > 30);
    measured('all connected after s', Math.max(...replies.map(secondsTo)));
    expect(late).toEqual([]);
  });

  it('finds the paths that there can be', async () => {
    const ready = new Map<KindPair, string>();
    const found = new Map<KindPair, string>();
    await until(60, 'all paths', async () => {
      const paths = await overlay.allPaths();
      for (const [index, pair] of pairsOfKinds.entries()) {
        const [from, to] = vmsOf(pair);
        const [there, back] = [paths.of(from, to), paths.of(to, from)];
        found.set(pair, showPath(there, back));
        if (ready.has(pair) || found.get(pair) !== expectedPath(...pair)) continue;
        const since = Math.max(there?.since ?? 0, back?.since ?? 0) * 1000;
        const times = [secondsTo(await firstReplies[index]), Math.max(0, secondsTo(since))];
        ready.set(pair, `${found.get(pair)}, ${times.map((each) => each.toFixed(0)).join('/')} s`);
      }
      return ready.size === pairsOfKinds.length;
    }).catch(() => undefined);
    console.log(renderGrid(ready));
    const wanted = new Map(pairsOfKinds.map((pair) => [pair, expectedPath(...pair)]));
    expect(found).toEqual(wanted);
  });

  it.each(pairsOfKinds)('carries full packets and files: %s and %s', async (...pair) => {
    const [from, to] = vmsOf(pair);
    expect(await lostOfFullSize(from, to)).toBe(0);
    expect(await fetchedDigest(from, to, fileName)).toBe(digest);
  });

  it.each(natKinds)('lets a compute fetch its second stage from the origin: %s', async (kind) => {
    const began = Date.now();
    expect(await fetchedDigest(vmAt(kind, 1), overlay.origin, fileName)).toBe(digest);
    measured(`second stage to ${kind} in s`, secondsSince(began));
  });

  it.each([
    ['full-cone', 71],
    ['port-restricted', 72],
    ['symmetric', 73],
    ['udp-blocked', 74],
    ['double', 75],
  ] as const)(
    'finds its way again when the address of a NAT has changed: %s',
    async (kind, host) => {
      const [moved, other] = [vmAt(kind, 0), vmAt('port-restricted', 1)];
      const pings = [startPings(moved, other, 0.1), startPings(moved, overlay.origin, 0.1)];
      await sleep(1000);
      const began = Date.now();
      await labAddress({ home: overlay.home, site: moved.site, address: `198.51.100.${host}` });
      const wanted = expectedPath(kind, 'port-restricted');
      const after = await until(60, wanted, async () => {
        // The doors' own connections went with the address.
        const there = await overlay.path(moved, other).catch(() => undefined);
        const back = await overlay.path(other, moved);
        const fresh = wanted !== 'direct' || (there?.since ?? 0) > began / 1000;
        return fresh && showPath(there, back) === wanted && secondsSince(began);
      });
      await sleep(2000);
      const gaps = await Promise.all(pings.map(async (each) => (await each.stop()).longestGap));
      const [toOther, toOrigin] = gaps.map((gap) => gap.toFixed(1));
      measured(
        `${kind}, another address`,
        `no answer for ${toOther} s (origin ${toOrigin} s), ${wanted} after ${after.toFixed(0)} s`,
      );
      for (const gap of gaps) expect(gap).toBeLessThan(20);
    },
  );

  /** @param which of the two sites of the kind. The first open one relays, as the origin does. */
  function vmAt(kind: NatKind, which: 0 | 1): LabVm {
    const vm = overlay.vms[1 + natKinds.indexOf(kind) + which * natKinds.length];
    if (!vm) throw new Error(`no site of kind ${kind}`);
    return vm;
  }

  /** Where one is open, that which does not relay. */
  function vmsOf([from, to]: KindPair): [LabVm, LabVm] {
    return from === to ? [vmAt(from, 0), vmAt(to, 1)] : [vmAt(from, 1), vmAt(to, 0)];
  }

  function secondsTo(at = Infinity): number {
    return (at - appliedAt) / 1000;
  }
});

function secondsSince(began: number): number {
  return (Date.now() - began) / 1000;
}

function measured(what: string, value: unknown): void {
  console.log(`measured: ${what}: ${JSON.stringify(value)}`);
}
