import { describe, expect, it } from 'vitest';
import type { RunningActivity } from '../../../src/client/running-activities.ts';
import { columnsOf, fit, span, textOf } from '../../../src/cli/live/text.ts';
import { treeLines, type Frame } from '../../../src/cli/live/tree.ts';
import type { StepName, StepRecord } from '../../../src/domain/cluster.ts';
import { done, parkedAtBeach, progress, skipped, start } from '../steps.ts';

const wide: Frame = { columns: 200, rows: 50, begun: start, now: start + 65_000 };

function draw(shown: ReturnType<typeof progress>, change: Partial<Frame> = {}): string[] {
  return treeLines(shown, { ...wide, ...change }).map((line) => textOf(line).trimEnd());
}

function part(step: StepName, site?: string, change: Partial<StepRecord> = {}): StepRecord {
  return { step, ...(site === undefined ? {} : { site }), startedAt: start + 5_000, ...change };
}

function activity(name: string, site: string, change: Partial<RunningActivity>): RunningActivity {
  return { name, site, attempt: 1, heartbeat: {}, ...change };
}

const uploading = progress([done, part('image', 'alpine'), part('image', 'beach')], {
  activities: [
    activity('ensureImage', 'alpine', { heartbeat: { bytes: 120e6, of: 200e6 } }),
    activity('ensureImage', 'beach', { attempt: 3, lastError: 'site beach does not answer' }),
  ],
  uploads: [{ site: 'alpine', bytes: 120e6, of: 200e6, rate: 4e6 }],
});

const booting = progress(
  [part('computes', 'alpine', { finishedAt: start + 9_000 }), part('computes')],
  {
    vms: [
      { name: 'frontend', site: 'alpine', phase: 'idle' },
      { name: 'compute-alpine-0', site: 'alpine', phase: 'idle' },
      { name: 'compute-beach-0', site: 'beach', phase: 'services' },
      { name: 'compute-beach-1', site: 'beach', phase: 'DHCP' },
    ],
  },
);

describe('the tree of an operation', () => {
  it('shows uploads with bytes, rate and time left, and attempts with their last error first', () => {
    expect(draw(uploading)).toEqual([
      'build demo · 1 min 05 s · building',
      '✓ register     alpine               1 s',
      '• image        0 of 2        1 min 00 s',
      '  beach   attempt 3: site beach does not answer',
      '  alpine  ██████░░░░ 120 of 200 MB  4.0 MB/s, 20 s left',
    ]);
  });

  it('shows each VM with its phase below its site, the least far first', () => {
    expect(draw(booting)).toEqual([
      'build demo · 1 min 05 s · building',
      '• computes     alpine        1 min 00 s',
      '  alpine  compute-alpine-0  idle',
      '  beach',
      '    compute-beach-1  DHCP',
      '    compute-beach-0  services',
    ]);
  });

  it('says how long it may still take if that is known', () => {
    expect(draw(booting, { leftMs: 42_000 })[0]).toBe(
      'build demo · 1 min 05 s · about 42 s left · building',
    );
  });

  it('says what is parked and what was left out', () => {
    const lines = draw(progress([parkedAtBeach, skipped]));
    expect(lines[1]).toMatch(/^‖ image +beach/);
    expect(lines[2]).toMatch(/^ {2}beach {2}‖ step image at site beach, host h1 is parked/);
    expect(lines[3]).toMatch(/^✓ edges .* 1 left out$/);
  });

  it('says of a step that a cancellation stopped just that', () => {
    const stopped = part('computes', undefined, { finishedAt: start + 9_000, error: '' });
    expect(draw(progress([stopped])).at(-1)).toBe('  ✗ cancelled');
  });

  it('has the steps in the order in which they are done', () => {
    const lines = draw(progress([part('computes', 'beach'), part('frontend', 'alpine'), done]));
    expect(lines.map((line) => line.split(' ')[1])).toEqual([
      'demo',
      'register',
      'frontend',
      'computes',
    ]);
  });

  it('of an operation of which nothing is known yet says what it waits for', () => {
    expect(draw(progress([], { message: 'waiting for the control worker' }))).toEqual([
      'build demo · 1 min 05 s · waiting for the control worker',
    ]);
  });
});

describe.each([20, 40, 80, 200])('on a terminal of %i columns', (columns) => {
  it('no line is wider, whatever the sites say', () => {
    const foreign = progress([part('image', 'beach'), part('image', 'alpine')], {
      activities: [
        activity('ensureImage', 'beach', { attempt: 2, lastError: '磁盘已满'.repeat(40) }),
        activity('ensureImage', 'alpine', {
          heartbeat: { note: '\u001b[2Jevil\nline '.repeat(20) },
        }),
      ],
    });
    for (const shown of [foreign, uploading, booting]) {
      const lines = treeLines(shown, { ...wide, columns });
      for (const line of lines) {
        expect(columnsOf(textOf(line))).toBeLessThanOrEqual(columns);
        expect(textOf(line)).not.toMatch(/[\n\r\u001b]/);
      }
    }
  });
});

describe('with more than the terminal has rows for', () => {
  const sites = Array.from({ length: 100 }, (_, n) => `site${n}`);
  const large = progress(
    sites.map((site) => part('computes', site)),
    {
      vms: sites.flatMap((site) =>
        [0, 1, 2].map((n) => ({ name: `compute-${site}-${n}`, site, phase: 'kernel' as const })),
      ),
      activities: [activity('startVms', 'site77', { attempt: 2, lastError: 'no such bridge' })],
    },
  );

  it.each([3, 10, 24])('%i rows are enough: it tells how much is hidden', (rows) => {
    const lines = draw(large, { rows });
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(lines.at(-1)).toMatch(rows === 3 ? /and 100 more/ : /… and \d+ more$/);
  });

  it('sites are counted rather than their VMs listed, and what fails comes first', () => {
    const lines = draw(large, { rows: 10 });
    expect(lines[2]).toBe('  site77  attempt 2: no such bridge');
    expect(lines[3]).toMatch(/^ {2}site0 +3 kernel$/);
  });
});

describe('a line that is cut', () => {
  it('ends with an ellipsis and never halves a wide or joined character', () => {
    expect(textOf(fit([span('日本語')], 4))).toBe('日…');
    expect(textOf(fit([span('a👩‍👩‍👧b'), span('c')], 3))).toBe('a…');
    expect(textOf(fit([span('abc')], 3))).toBe('abc');
  });
});
