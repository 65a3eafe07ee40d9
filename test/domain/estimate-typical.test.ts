import { describe, expect, it } from 'vitest';
import { estimateLine } from '../../src/cli/estimate-line.ts';
import type { StepRecord } from '../../src/domain/cluster.ts';
import { estimateTypical } from '../../src/domain/estimate-typical.ts';
import type { OperationShape, PastOperation } from '../../src/domain/estimate.ts';
import { knownLines, type KnownLines } from '../../src/domain/site-line.ts';

const shape: OperationShape = {
  kind: 'build',
  origin: 'campus',
  overlay: 'n2n',
  rolls: ['base'],
  sites: [{ name: 'campus', computes: 2, before: 0 }],
};
const known = (...rates: [string, number][]): KnownLines => ({
  imageBytes: 180e6,
  bytesPerSecond: new Map(rates),
});

function uploaded(site: string, bytes: number, tookMs: number, of = 180e6) {
  const sent = { bytes, of, tookMs };
  const step: StepRecord = { step: 'image', site, startedAt: 0, finishedAt: tookMs, sent };
  return { steps: [step] };
}

describe('the line to a site', () => {
  it('is as fast as the newest upload that was long enough', () => {
    const rows = [
      uploaded('beach', 1e6, 1, 200e6),
      uploaded('beach', 90e6, 45_000),
      uploaded('beach', 180e6, 10_000),
      uploaded('cloud', 180e6, 20_000),
    ];
    expect(knownLines(rows)).toEqual({
      imageBytes: 200e6,
      bytesPerSecond: new Map([
        ['beach', 2e6],
        ['cloud', 9e6],
      ]),
    });
  });

  it('is unknown where nothing was sent', () => {
    const steps: StepRecord[] = [{ step: 'image', site: 'beach', startedAt: 0, finishedAt: 9 }];
    expect(knownLines([{ steps }])).toEqual({ bytesPerSecond: new Map() });
  });
});

describe('the estimate of a build that has no like', () => {
  it('has the image by its size and the line, beside what else goes on', () => {
    const slow = estimateTypical([], shape, known(['campus', 1e6]));
    const fast = estimateTypical([], shape, known(['campus', 4e6]));
    expect(slow?.basis).toBe('typical');
    expect(slow!.totalMs - fast!.totalMs).toBe(135_000);
    expect(fast?.image).toEqual({
      bytes: 180e6,
      lines: [{ site: 'campus', bytesPerSecond: 4e6 }],
    });
  });

  it('has the rest from builds at other sites', () => {
    const step = (name: StepRecord['step'], from: number, to: number, site?: string) => ({
      step: name,
      ...(site === undefined ? {} : { site }),
      startedAt: from * 1000,
      finishedAt: to * 1000,
    });
    const past: PastOperation = {
      shape: { ...shape, origin: 'beach', sites: [{ name: 'beach', computes: 1, before: 0 }] },
      steps: [step('register', 0, 2, 'beach'), step('verify', 2, 602)],
      startedAt: 0,
      finishedAt: 603_000,
    };
    const estimate = estimateTypical([past], shape, known(['campus', 4e6]));
    expect(estimate).toMatchObject({ basis: 'typical', operations: 1 });
    expect(estimate?.steps).toContainEqual({ step: 'verify', costMs: 600_000 });
    expect(estimateLine(estimate, 'build')).toMatch(
      /^should take about 1\d min \d\d s \(no past builds at these sites; 180 MB of image at 4\.0 MB\/s to campus; the rest as in 1 build at other sites\)$/,
    );
  });

  it('says of which lines nothing is known, and that it is the least then', () => {
    const sites = [...shape.sites, { name: 'cloud', computes: 1, before: 0 }];
    const estimate = estimateTypical([], { ...shape, sites }, known(['campus', 4e6]));
    expect(estimateLine(estimate, 'build')).toMatch(
      /^should take at least .*not counted: the image on its way to cloud, where none was sent yet; the rest as on emulated CPUs/,
    );
  });

  it('has a supernode where the overlay has one', () => {
    const supernodeOf = (overlay: OperationShape['overlay']) =>
      estimateTypical([], { ...shape, overlay }, known(['campus', 4e6]))?.steps.find(
        ({ step }) => step === 'supernode',
      )?.costMs;
    expect([supernodeOf('n2n'), supernodeOf('routed'), supernodeOf('vxlan')]).toEqual([5000, 0, 0]);
  });

  it('is not made for a scale', () => {
    expect(estimateTypical([], { ...shape, kind: 'scale' }, known())).toBeUndefined();
  });
});
