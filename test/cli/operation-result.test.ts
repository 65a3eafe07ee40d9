import { describe, expect, it } from 'vitest';
import { parkedSummary, resultLines } from '../../src/cli/operation-result.ts';
import type { VerifyReport } from '../../src/domain/cluster.ts';
import { done, parkedAtBeach, parkedAtCloud, progress, start } from './steps.ts';

const report: VerifyReport = {
  hostnames: ['compute-alpine-0'],
  mpi: { ranks: 2, nodes: ['compute-alpine-0'], sum: 1, expectedSum: 1, interface: 'eth0' },
  mtu: 1400,
  rtt: [{ from: 'alpine', to: 'beach', ms: 20.04 }],
  transcript: '$ srun hostname\ncompute-alpine-0\n',
};

describe('the end of an operation', () => {
  it('of a build shows its proof', () => {
    const lines = resultLines({ cluster: 'demo', phase: 'ready', report }, 61_000);
    expect(lines).toContain('$ srun hostname');
    expect(lines).toContain('alpine  beach  20.0 ms');
    expect(lines.slice(-2)).toEqual([
      'cluster demo is ready (watched for 1 min 01 s)',
      'next: mvc ssh demo -- sinfo',
    ]);
  });

  it('of a build of a cluster that was ready says that nothing was changed', () => {
    const result = { cluster: 'demo', phase: 'ready', report, alreadyReady: true } as const;
    expect(resultLines(result, 100)).toEqual([
      'cluster demo is ready already; nothing was changed',
    ]);
  });

  it('of a repair shows what was amiss and what was done', () => {
    const findings = [
      { site: 'beach', kind: 'vm', name: 'compute-beach-0', message: 'VM compute-beach-0 is off' },
    ] as const;
    const lines = resultLines(
      {
        cluster: 'demo',
        phase: 'ready',
        kind: 'repair',
        summary: '1 VM was started',
        findings: [...findings],
      },
      2_000,
    );
    expect(lines).toEqual([
      'found amiss:',
      '  VM compute-beach-0 is off',
      '1 VM was started',
      'cluster demo is ready (watched for 2.0 s)',
    ]);
  });

  it('of a stop says how to start again', () => {
    const lines = resultLines(
      { cluster: 'demo', phase: 'stopped', kind: 'stop', summary: 'all 3 VMs are off' },
      2_000,
    );
    expect(lines.at(-1)).toBe('next: mvc start demo');
  });

  it('of a removal says what is left where', () => {
    const removed = { cluster: 'demo', phase: 'destroyed' as const, emptySites: ['alpine'] };
    expect(resultLines({ ...removed, left: [] }, 1)).toEqual([
      'cluster demo is destroyed; nothing is left at alpine',
    ]);
    expect(resultLines({ ...removed, left: ['vms at site cloud'] }, 1)).toEqual([
      'cluster demo is destroyed; nothing is left at alpine',
      'what may be left, because it was left out:',
      '  vms at site cloud',
      'next: `mvc sweep` shows and removes it once the site answers',
    ]);
  });
});

describe('an operation of which all is parked', () => {
  it('is summed up with a sentence per step and the next command', () => {
    const lines = parkedSummary(progress([done, parkedAtBeach, parkedAtCloud]), start + 7_000);
    expect(lines[0]).toBe('the build of cluster demo waits: what is left of it is parked');
    expect(lines[1]).toMatch(/^ {2}‖ step image at site beach, host h1 is parked: /);
    expect(lines[2]).toMatch(/\(next try in 10\.0 s\)$/);
    expect(lines[3]).toBe('next: mvc resume demo');
  });

  it('goes on by itself if it is a removal', () => {
    const removal = progress([parkedAtCloud], { operation: 'destroy', phase: 'destroying' });
    expect(parkedSummary(removal, start).at(-1)).toBe(
      'it goes on by itself when the site is back; `mvc resume demo --skip` leaves it out',
    );
  });
});
