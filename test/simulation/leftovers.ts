import { installation, type Rig } from './rig.ts';

/** Everything at the sites that carries our mark. */
export function ownedThings({ world }: Pick<Rig, 'world'>) {
  return Object.entries(world.state.sites)
    .flatMap(([site, state]) => [
      ...state.domains.flatMap(({ name, mark }) =>
        mark ? [{ site, what: `domain ${name}`, ...mark.mark }] : [],
      ),
      ...state.edges.map(({ edge, mark }) => ({ site, what: `edge ${edge.tap}`, ...mark })),
      ...state.supernodes.map((mark) => ({ site, what: `supernode of ${mark.cluster}`, ...mark })),
    ])
    .filter((thing) => thing.installation === installation);
}

/** What should not be there once everything is destroyed, a sentence each. */
export function leftovers(rig: Rig): string[] {
  const { tables, server } = rig;
  const names = ['clusters', 'clusterSites', 'vms', 'overlays', 'edges', 'secrets'] as const;
  return [
    ...ownedThings(rig).map(({ what, site }) => `${what} is left at ${site}`),
    ...names.filter((name) => tables[name].size > 0).map((name) => `rows are left in ${name}`),
    ...server.openIds.map((id) => `${id} did not end`),
  ];
}
