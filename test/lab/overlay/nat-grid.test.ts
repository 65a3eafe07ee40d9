import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Path } from '../../../src/domain/overlay.ts';
import { labAddress } from '../../../src/lab/faults.ts';
import { natKinds, type NatKind } from '../../../src/lab/plan.ts';
import { until } from './hosts.ts';
import { LabOverlay } from './lab-overlay.ts';
import {
  fetchedDigest,
  firstReply,
  lostOfFullSize,
  serveFiles,
  type LabVm,
} from './lab-vm.ts';
import { cellOf, expectedPath, pairsOfKinds, renderGrid } from './path-grid.ts';
import { startPings } from './pings.ts';

const seconds = (since: number) => Math.round((Date.now() - since) / 100) / 10;
/** As much as the second stage of a compute's boot. */
const fileBytes = 4 * 1024 * 1024;

describe('paths between sites with every two kinds of NAT', () => {
  let overlay: LabOverlay;
  let appliedAt: number;
  let digest: string;
  const files = mkdtempSync(join(tmpdir(), 'mvc-grid-files-'));
  const connectedAfter = new Map<string, Promise<number>>();
  /** The origin, and two of each kind; of the open ones the first is the second relay. */
  const kinds = [...natKinds, ...natKinds];

  beforeAll(async () => {
    const sites = ['open' as const, ...kinds].map((nat) => ({ nat, containers: 1 }));
    overlay = await LabOverlay.open(sites, 20);
    const content = randomBytes(fileBytes);
    digest = createHash('sha256').update(content).digest('hex');
    writeFileSync(join(files, 'stage2'), content);
    for (const vm of overlay.vms) await serveFiles(vm, files);
    appliedAt = Date.now();
    await overlay.apply();
    const allAt = Date.now();
    console.log(`measured: applied at 13 containers in ${seconds(appliedAt)} s`);
    for (const pair of pairsOfKinds) {
      const [from, to] = vmsOf(pair);
      const replied = firstReply(from, to, 60);
      connectedAfter.set(
        cellOf(...pair),
        replied.then((at) => (at - allAt) / 1000),
      );
    }
  });
  afterAll(async () => {
    await overlay?.close();
    rmSync(files, { recursive: true });
  });

  it('connects all within 30 s, and finds the paths that there can be', async () => {
    const found = new Map<string, string>();
    const wrong: string[] = [];
    const cells = new Map<string, string>();
    for (const pair of pairsOfKinds) {
      const after = await connectedAfter.get(cellOf(...pair));
      if (after === undefined || after < 0 || after > 30) wrong.push(`${pair.join()}: ${after} s`);
    }
    const until60 = Date.now() + 60_000;
    while (found.size < pairsOfKinds.length && Date.now() < until60) {
      const paths = new Map<string, Path[]>();
      for (const vm of overlay.vms) paths.set(vm.site, await overlay.paths(vm));
      for (const pair of pairsOfKinds) {
        const [from, to] = vmsOf(pair);
        const [there, back] = [pathTo(paths, from, to), pathTo(paths, to, from)];
        const text = `${show(there)} / ${show(back)}`;
        const [a, b] = [expectedPath(...pair), expectedPath(pair[1], pair[0])];
        const right =
          there?.class === a.class &&
          back?.class === b.class &&
          there.carrier === a.carrier &&
          back.carrier === b.carrier;
        if (right && !found.has(cellOf(...pair))) {
          found.set(cellOf(...pair), `${text} (${seconds(appliedAt)} s)`);
          const at = Math.max(there.since, back.since) - appliedAt / 1000;
          const carrier = kindsOfCarrier(there, back);
          const reply = await connectedAfter.get(cellOf(...pair));
          cells.set(
            cellOf(...pair),
            `${there.class}${carrier}, ${Math.max(0, Math.round(at))} s (${reply?.toFixed(1)} s)`,
          );
        } else if (!right && Date.now() > until60 - 5000) {
          wrong.push(`${pair.join()}: ${text}`);
        }
      }
      await sleep(1000);
    }
    console.log(renderGrid(cells));
    expect(wrong).toEqual([]);
    expect([...found.keys()]).toHaveLength(pairsOfKinds.length);
  });

  it('carries packets of full size and files, between all', async () => {
    const lost: string[] = [];
    const began = Date.now();
    for (const pair of pairsOfKinds) {
      const [from, to] = vmsOf(pair);
      const count = await lostOfFullSize(from, to);
      if (count > 0) lost.push(`${pair.join()}: ${count} of 5 lost`);
      if ((await fetchedDigest(from, to, 'stage2')) !== digest) lost.push(`${pair.join()}: no file`);
    }
    console.log(`measured: packets and files of ${pairsOfKinds.length} pairs in ${seconds(began)} s`);
    expect(lost).toEqual([]);
  });

  it.each(natKinds)('lets a compute behind %s fetch its second stage from the origin', async (kind) => {
    const began = Date.now();
    const [origin, compute] = [overlay.vms[0], vmAt(kind, 1)];
    expect(origin && (await fetchedDigest(compute, origin, 'stage2'))).toBe(digest);
    console.log(`measured: second stage to ${kind} in ${seconds(began)} s`);
  });

  it('finds its way again when the public address of a NAT has changed', async () => {
    const [moved, other] = [vmAt('port-restricted', 0), vmAt('port-restricted', 1)];
    const origin = overlay.vms[0] ?? moved;
    const isDirect = async () => {
      const path = (await overlay.paths(moved)).find(({ to }) => to === nameOf(other));
      return path?.class === 'direct' ? path : false;
    };
    const before = await isDirect();
    expect(before).toBeTruthy();
    const pings = [startPings(moved, other, 0.1), startPings(moved, origin, 0.1)];
    await sleep(1000);
    const began = Date.now();
    await labAddress({ home: overlay.home, site: moved.site, address: '198.51.100.77' });
    const changed = seconds(began);
    await sleep(500);
    const back = await until(60, 'a direct path', async () => {
      const path = await isDirect();
      return path && path.since > began / 1000 && path;
    });
    await sleep(2000);
    const ended = await Promise.all(pings.map((each) => each.stop()));
    const gaps = ended.map(({ longestGap }) => longestGap);
    console.log('measured: address changed in s', changed, 'without an answer', gaps);
    console.log('measured: direct again after', back.since - began / 1000);
    for (const gap of gaps) expect(gap).toBeLessThan(20);
  });

  /** @param which 0 or 1: of the two sites of the kind. */
  function vmAt(kind: NatKind, which: 0 | 1): LabVm {
    const vm = overlay.vms[1 + natKinds.indexOf(kind) + which * natKinds.length];
    if (!vm) throw new Error(`no site of kind ${kind}`);
    return vm;
  }

  function vmsOf([from, to]: [NatKind, NatKind]): [LabVm, LabVm] {
    return [vmAt(from, from === 'open' && to !== 'open' ? 1 : 0), vmAt(to, from === 'open' && to !== 'open' ? 0 : 1)];
  }
});

function nameOf({ site, container }: LabVm): string {
  return `${site}/${container}`;
}

function pathTo(paths: Map<string, Path[]>, from: LabVm, to: LabVm): Path | undefined {
  return paths.get(from.site)?.find((path) => path.to === nameOf(to));
}

function show(path: Path | undefined): string {
  return path ? `${path.class} ${path.carrier}` : 'none';
}

function kindsOfCarrier(there: Path, back: Path): string {
  const tcp = [there, back].filter(({ carrier }) => carrier === 'tcp').length;
  return ['', ' (TCP)', ' (TCP, TCP)'][tcp] ?? '';
}
