import { natKinds, type NatKind } from '../../../src/lab/plan.ts';

/** What theory says of the path from a site of one kind to another one, with a relay that both reach. */
export interface ExpectedPath {
  class: 'direct' | 'relayed';
  /** Of the link by which the first one sends. */
  carrier: 'udp' | 'tcp';
}

/** These let in only whom they have spoken to, at the port to which they spoke. */
const strict: NatKind[] = ['port-restricted', 'symmetric', 'double'];

export function expectedPath(from: NatKind, to: NatKind): ExpectedPath {
  const carrier = from === 'udp-blocked' ? 'tcp' : 'udp';
  const kinds = [from, to];
  if (kinds.includes('udp-blocked')) return { class: 'relayed', carrier };
  // Nobody can tell the other from which port a symmetric NAT will speak to it.
  const blind = kinds.includes('symmetric') && kinds.every((each) => strict.includes(each));
  return { class: blind ? 'relayed' : 'direct', carrier };
}

/** Every two kinds, also of the same kind. */
export const pairsOfKinds = natKinds.flatMap((first, index) =>
  natKinds.slice(index).map((second): [NatKind, NatKind] => [first, second]),
);

/** As a table of Markdown: a row and a column per kind. */
export function renderGrid(cells: Map<string, string>): string {
  const rows = natKinds.map((row) => [
    row,
    ...natKinds.map((column) => cells.get(cellOf(row, column)) ?? ''),
  ]);
  const lines = [['', ...natKinds], natKinds.map(() => '---').concat('---'), ...rows];
  return lines.map((cols) => `| ${cols.join(' | ')} |`).join('\n');
}

export function cellOf(first: NatKind, second: NatKind): string {
  return `${first} ${second}`;
}
