import type { ClusterSpec } from './cluster.ts';

/**
 * What differs between two specs of a cluster, one line per field: `sites.beach.computes: 1 → 3`. A
 * site that is not in a spec counts as one with 0 computes. The order of sites, rolls and keys does
 * not matter; equal specs give no line.
 */
export function diffSpecs(before: ClusterSpec, after: ClusterSpec): string[] {
  const { name, origin, network, frontend, compute, watch } = after;
  return [
    ...line('name', before.name, name),
    ...line('origin', before.origin, origin),
    ...diffSites(before, after),
    ...diffFields('overlay', overlayFields(before), overlayFields(after)),
    ...diffFields('frontend', before.frontend, frontend),
    ...diffFields('compute', before.compute, compute),
    ...line('network', before.network ?? 'any', network ?? 'any'),
    ...diffLists('rolls', before.rolls, after.rolls, (rolls) => rolls.join(', ') || 'none'),
    ...diffLists('sshKeys', before.sshKeys, after.sshKeys, describeKeys),
    ...diffFields('watch', before.watch, watch),
  ];
}

export function sameSpec(a: ClusterSpec, b: ClusterSpec): boolean {
  return diffSpecs(a, b).length === 0;
}

type Scalar = string | number | boolean | undefined;

function line(field: string, before: Scalar, after: Scalar): string[] {
  return before === after ? [] : [`${field}: ${before} → ${after}`];
}

function diffFields<T extends Record<string, Scalar>>(name: string, before: T, after: T): string[] {
  return Object.keys({ ...before, ...after }).flatMap((key) =>
    line(`${name}.${key}`, before[key] ?? 'none', after[key] ?? 'none'),
  );
}

function overlayFields({ overlay }: ClusterSpec) {
  const { outside = [], ...fields } = overlay;
  return { ...fields, outside: outside.toSorted().join(', ') || undefined };
}

function diffSites(before: ClusterSpec, after: ClusterSpec): string[] {
  const names = [...new Set([...before.sites, ...after.sites].map((site) => site.name))];
  return names.flatMap((name) =>
    line(`sites.${name}.computes`, computesAt(before, name), computesAt(after, name)),
  );
}

/** 0 for a site that is not in the spec. */
export function computesAt(spec: ClusterSpec, site: string): number {
  return spec.sites.find((each) => each.name === site)?.computes ?? 0;
}

function diffLists(
  name: string,
  before: string[],
  after: string[],
  describe: (items: string[]) => string,
): string[] {
  const same = before.toSorted().join('\n') === after.toSorted().join('\n');
  return same ? [] : [`${name}: ${describe(before)} → ${describe(after)}`];
}

/** Keys by what a person calls them: their comment, or else their last characters. */
function describeKeys(keys: string[]): string {
  const short = keys.map((key) => {
    const [type, body, ...comment] = key.split(' ');
    return comment.join(' ') || `${type} …${body?.slice(-8)}`;
  });
  return short.join(', ') || 'none';
}
