import { Failure } from '../../../domain/failure.ts';
import { sameMark, type Operation } from '../../../domain/mark.ts';
import type { MemorySite } from '../../../domain/site.ts';
import type { MemoryWorld, WorldChange } from '../../site/memory/memory-world.ts';
import type { Watch } from '../../site/site-driver.ts';
import type { OverlayDriver } from '../overlay-driver.ts';

/** An overlay between memory sites: its edges are there once they are told. */
export function createMemoryOverlayDriver(site: MemorySite, world: MemoryWorld): OverlayDriver {
  const call = <T>(
    verb: keyof OverlayDriver,
    changes: boolean,
    operation: Operation,
    watch: Watch | undefined,
    action: (change: WorldChange) => T,
  ) =>
    world.call(
      {
        site: site.name,
        verb: `overlay.${verb}`,
        delayMs: site.delayMs,
        operation,
        changes,
        watch,
      },
      action,
    );

  return {
    ensureSupernode: (operation, _table, watch) =>
      call('ensureSupernode', true, operation, watch, ({ site: state, tell }) => {
        if (state.supernodes.some((mark) => sameMark(mark, operation.mark))) return;
        state.supernodes.push(operation.mark);
        tell('supernode', operation.mark.clusterId, site.name);
      }),

    removeSupernode: (operation, watch) =>
      call('removeSupernode', true, operation, watch, ({ site: state, tell }) => {
        const kept = state.supernodes.filter((mark) => !sameMark(mark, operation.mark));
        if (kept.length === state.supernodes.length) return;
        state.supernodes = kept;
        tell('remove supernode', operation.mark.clusterId, site.name);
      }),

    apply: (operation, container, table, _key, watch) =>
      call('apply', true, operation, watch, (change) => {
        if (!site.containers.some((each) => each.name === container)) {
          throw new Failure('NotFound', `site ${site.name} has no VM container ${container}`);
        }
        const wanted = table.edges.filter(
          (edge) => edge.site === site.name && edge.container === container,
        );
        setEdges(change, operation, container, wanted);
      }),

    describe: (operation, container, watch) =>
      call('describe', false, operation, watch, ({ site: state, world: all }) => {
        const supernode = Object.values(all.sites)
          .flatMap((each) => each.supernodes)
          .some((mark) => sameMark(mark, operation.mark));
        return state.edges
          .filter(
            ({ mark, edge }) => sameMark(mark, operation.mark) && edge.container === container,
          )
          .map(({ edge }) => ({ vm: edge.vm, up: true, registered: supernode }));
      }),

    remove: (operation, container, watch) =>
      call('remove', true, operation, watch, (change) =>
        setEdges(change, operation, container, []),
      ),
  };
}

type Edges = WorldChange['site']['edges'];

/** Makes the cluster's edges at the container exactly these. */
function setEdges(
  { site: state, tell }: WorldChange,
  operation: Operation,
  container: string,
  wanted: Edges[number]['edge'][],
): void {
  const { mark } = operation;
  const isHere = (each: Edges[number]) =>
    sameMark(each.mark, mark) && each.edge.container === container;
  const before = state.edges.filter(isHere).map(({ edge }) => edge);
  state.edges = [
    ...state.edges.filter((each) => !isHere(each)),
    ...wanted.map((edge) => ({ mark, edge })),
  ];
  const differs = (edge: Edges[number]['edge'], others: Edges[number]['edge'][]) =>
    !others.some((other) => other.vm === edge.vm);
  for (const edge of before.filter((each) => differs(each, wanted))) {
    tell('remove edge', mark.clusterId, edge.vm);
  }
  for (const edge of wanted.filter((each) => differs(each, before))) {
    tell('edge', mark.clusterId, edge.vm);
  }
}
