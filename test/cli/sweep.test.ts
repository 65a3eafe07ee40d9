import { describe, expect, it } from 'vitest';
import { reconcileLines } from '../../src/cli/reconcile.ts';
import { refuseSilent, sweepLines } from '../../src/cli/sweep.ts';

const thing = {
  site: 'beach',
  host: 'h1',
  kind: 'vm',
  name: 'old-compute-beach-0',
  installation: '11111111-2222-4333-8444-555555555555',
  cluster: 'old',
  clusterId: '0123456789ab',
} as const;

describe('what belongs to no cluster', () => {
  it('is listed with its site and host', () => {
    expect(sweepLines({ things: [{ ...thing, removed: false }], silent: [] }, false)).toEqual([
      'SITE   HOST  KIND  NAME                 CLUSTER',
      'beach  h1    vm    old-compute-beach-0  old',
    ]);
  });

  it('says of each thing whether it was removed', () => {
    const [header, line] = sweepLines({ things: [{ ...thing, removed: true }], silent: [] }, true);
    expect(header).toMatch(/REMOVED$/);
    expect(line).toMatch(/yes$/);
  });

  it('may be nothing', () => {
    expect(sweepLines({ things: [], silent: [] }, true)).toEqual([
      'nothing at the sites carries our mark without a cluster',
    ]);
  });

  it('is not all while a site is silent', () => {
    expect(() => refuseSilent([])).not.toThrow();
    expect(() => refuseSilent([{ site: 'cloud', error: 'no route' }])).toThrow(
      'these sites did not answer: cloud (no route)',
    );
  });
});

describe('the comparison of database and sites', () => {
  it('names what differs, what was made good, and what belongs to nobody', () => {
    const findings = [
      { site: 'beach', kind: 'vm', name: 'c', message: 'VM c at site beach is gone' } as const,
    ];
    const clusters = [
      { cluster: 'demo', findings, epochRaised: { from: 2, to: 5 } },
      { cluster: 'fine', findings: [] },
    ];
    expect(reconcileLines({ clusters, orphans: [thing], silent: [] })).toEqual([
      'cluster demo: 1 difference',
      '  the sites have seen operation 5, the database knew of 2: made good',
      '  VM c at site beach is gone',
      '  next: mvc repair demo',
      'cluster fine: as recorded',
      'at the sites, with our mark, of no recorded cluster:',
      '  SITE   HOST  KIND  NAME                 CLUSTER',
      '  beach  h1    vm    old-compute-beach-0  old',
      'next: `mvc sweep --remove`, if nobody needs them',
    ]);
  });
});
