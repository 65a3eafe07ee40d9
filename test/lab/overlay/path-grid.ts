import type { Path } from '../../../src/domain/overlay.ts';
import { natKinds, type NatKind } from '../../../src/lab/plan.ts';

export type KindPair = [NatKind, NatKind];

/** Every two kinds, also of the same kind. */
export const pairsOfKinds = natKinds.flatMap((first, index) =>
  natKinds.slice(index).map((second): KindPair => [first, second]),
);

/** These let in only whom they have spoken to, at the port to which they spoke. */
const strict: NatKind[] = ['port-restricted', 'symmetric', 'double'];

/**
 * What theory says of the paths between two sites, neither of which relays; how {@link showPath} writes them. Every
 * site speaks with the relays by what it lets out, whatever the other end of the path does.
 */
export function expectedPath(...kinds: KindPair): string {
  const carriers = kinds.map((kind) => (kind === 'udp-blocked' ? 'tcp' : 'udp'));
  // Nobody can tell the other from which port a symmetric NAT will speak to it.
  const blind = kinds.includes('symmetric') && kinds.every((each) => strict.includes(each));
  const relayed = blind || kinds.includes('udp-blocked');
  return show(relayed ? 'relayed' : 'direct', carriers);
}

export function showPath(there: Path | undefined, back: Path | undefined): string {
  if (!there || !back) return 'none';
  const paths = [there, back];
  const classes = [...new Set(paths.map((path) => path.class))];
  return show(
    classes.join(' and '),
    paths.map(({ carrier }) => carrier),
  );
}

/** As a table of Markdown: a row and a column per kind. */
export function renderGrid(cells: Map<KindPair, string>): string {
  const cell = (row: NatKind, column: NatKind) => {
    const pair = pairsOfKinds.find(([first, second]) => first === row && second === column);
    return (pair && cells.get(pair)) ?? '';
  };
  const rows = natKinds.map((row) => [row, ...natKinds.map((column) => cell(row, column))]);
  const lines = [['', ...natKinds], ['', ...natKinds].map(() => '---'), ...rows];
  return lines.map((columns) => `| ${columns.join(' | ')} |`).join('\n');
}

/** @param carriers of each end. */
function show(pathClass: string, carriers: string[]): string {
  const [here, there] = carriers;
  if (here === there) return here === 'udp' ? pathClass : `${pathClass} (${here})`;
  return `${pathClass} (${here}–${there})`;
}
