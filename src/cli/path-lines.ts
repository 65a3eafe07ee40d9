import type { ClusterPaths, Path } from '../domain/overlay.ts';
import { formatDuration, tableLines } from './output.ts';

/** More lines than that are summed up. */
const mostLines = 40;

/** One line for `mvc status`: how many paths of each class, and who relays. */
export function pathSummary({ paths, silent }: ClusterPaths): string[] {
  if (paths.length === 0 && silent.length === 0) return [];
  const count = (kind: Path['class']) => paths.filter((path) => path.class === kind).length;
  const relays = [...new Set(paths.flatMap(({ via }) => via ?? []))];
  const parts = [
    ...(count('lan') > 0 ? [`${count('lan')} in a LAN`] : []),
    ...(count('direct') > 0 ? [`${count('direct')} direct`] : []),
    ...(count('relayed') > 0 ? [`${count('relayed')} relayed by ${relays.join(', ')}`] : []),
    ...(count('down') > 0 ? [`${count('down')} down`] : []),
    ...(silent.length > 0 ? [`${silent.join(', ')} did not tell`] : []),
  ];
  return [`paths between VM containers: ${parts.join(', ')}`];
}

/** @param now milliseconds since 1970. */
export function pathTable(found: ClusterPaths, now: number): string[] {
  const { paths } = found;
  const shown = paths.length > mostLines ? paths.filter(isNotable) : paths;
  const rows = shown
    .slice(0, mostLines)
    .map((path) => [
      path.from,
      path.to,
      path.via === undefined ? path.class : `${path.class} by ${path.via}`,
      path.carrier,
      path.rttMs === undefined ? '-' : `${path.rttMs.toFixed(1)} ms`,
      path.mtu === undefined ? '-' : String(path.mtu),
      formatDuration(Math.max(0, now - path.since * 1000)),
    ]);
  return [
    ...pathSummary(found),
    ...tableLines(['FROM', 'TO', 'PATH', 'CARRIER', 'ROUND TRIP', 'MTU', 'SINCE'], rows),
  ];
}

/** What is not as good as it gets. */
function isNotable(path: Path): boolean {
  return path.class === 'relayed' || path.class === 'down' || path.carrier === 'tcp';
}
