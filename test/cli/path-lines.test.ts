import { describe, expect, it } from 'vitest';
import { pathSummary, pathTable } from '../../src/cli/path-lines.ts';
import type { Path } from '../../src/domain/overlay.ts';

const now = 1_000_000;
const path = (change: Partial<Path> = {}): Path => ({
  from: 'alpine/h1',
  to: 'beach/h1',
  class: 'direct',
  carrier: 'udp',
  since: now / 1000 - 65,
  ...change,
});
const relayed = (via: string) => path({ class: 'relayed', via });
/** Without what runs between the columns. */
const cells = (line = '') => line.trim().split(/ {2,}/);

describe('the summary of paths', () => {
  it('counts each class, and names each relay once', () => {
    const paths = [
      path({ class: 'lan' }),
      path(),
      path(),
      relayed('alpine/h1'),
      relayed('cloud/h1'),
      relayed('alpine/h1'),
      path({ class: 'down' }),
    ];
    expect(pathSummary({ paths, silent: [] })).toEqual([
      'paths between VM containers: 1 in a LAN, 2 direct, 3 relayed by alpine/h1, cloud/h1, 1 down',
    ]);
  });

  it('leaves out the classes that there are not', () => {
    expect(pathSummary({ paths: [path()], silent: [] })).toEqual([
      'paths between VM containers: 1 direct',
    ]);
  });

  it('names the sites that did not answer, also if none did', () => {
    expect(pathSummary({ paths: [], silent: ['beach', 'cloud'] })).toEqual([
      'paths between VM containers: beach, cloud did not tell',
    ]);
  });

  it('is nothing for an overlay that chooses no paths', () => {
    expect(pathSummary({ paths: [], silent: [] })).toEqual([]);
  });
});

describe('the table of paths', () => {
  it('tells by whom a path is relayed, its carrier, and what was measured of it', () => {
    const measured = { carrier: 'tcp', rttMs: 20.04, mtu: 1420 } as const;
    const [, head, first, second] = pathTable(
      { paths: [path(), { ...relayed('cloud/h1'), ...measured }], silent: [] },
      now,
    );
    expect(cells(head)).toEqual(['FROM', 'TO', 'PATH', 'CARRIER', 'ROUND TRIP', 'MTU', 'SINCE']);
    expect(cells(first).slice(0, 6)).toEqual(['alpine/h1', 'beach/h1', 'direct', 'udp', '-', '-']);
    expect(cells(second).slice(2, 6)).toEqual(['relayed by cloud/h1', 'tcp', '20.0 ms', '1420']);
    expect(cells(second)[6]).toMatch(/^1 ?m/);
  });

  it('shows every path of a small cluster', () => {
    const paths = Array.from({ length: 40 }, () => path());
    expect(pathTable({ paths, silent: [] }, now)).toHaveLength(42);
  });

  it('shows of a large cluster only what is not as good as it gets', () => {
    const good = Array.from({ length: 50 }, () => path());
    const paths = [...good, relayed('cloud/h1'), path({ class: 'down' }), path({ carrier: 'tcp' })];
    const lines = pathTable({ paths, silent: [] }, now).slice(2);
    expect(lines.map((line) => cells(line).slice(2, 4))).toEqual([
      ['relayed by cloud/h1', 'udp'],
      ['down', 'udp'],
      ['direct', 'tcp'],
    ]);
  });

  it('ends after forty lines, and counts the rest in its summary', () => {
    const paths = Array.from({ length: 100 }, () => relayed('cloud/h1'));
    const lines = pathTable({ paths, silent: [] }, now);
    expect(lines).toHaveLength(42);
    expect(lines[0]).toContain('100 relayed by cloud/h1');
  });

  it('says which sites are missing in it', () => {
    expect(pathTable({ paths: [path()], silent: ['cloud'] }, now)[0]).toContain(
      'cloud did not tell',
    );
  });
});
