import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../../domain/failure.ts';
import { sameMark, type Mark, type Operation } from '../../../domain/mark.ts';
import type { Edge } from '../../../domain/overlay.ts';
import type { MemorySite } from '../../../domain/site.ts';
import type { MemoryWorld, WorldChange } from '../../site/memory/memory-world.ts';
import type { MemoryEdge, MemorySiteState } from '../../site/memory/world-state.ts';
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
        if (hasSupernode(state, operation.mark)) return;
        const { mark } = operation;
        state.supernodes = [...state.supernodes.filter((each) => !sameMark(each, mark)), mark];
        state.deadSupernodes = state.deadSupernodes?.filter((id) => id !== mark.clusterId) ?? [];
        tell('supernode', operation.mark.clusterId, site.name);
      }),

    describeSupernode: (operation, watch) =>
      call('describeSupernode', false, operation, watch, ({ site: state }) => ({
        up: hasSupernode(state, operation.mark),
      })),

    removeSupernode: (operation, watch) =>
      call('removeSupernode', true, operation, watch, ({ site: state, tell }) => {
        const kept = state.supernodes.filter((mark) => !sameMark(mark, operation.mark));
        if (kept.length === state.supernodes.length) return;
        state.supernodes = kept;
        const { clusterId } = operation.mark;
        state.deadSupernodes = state.deadSupernodes?.filter((id) => id !== clusterId) ?? [];
        tell('remove supernode', operation.mark.clusterId, site.name);
      }),

    apply: (operation, container, table, _key, watch) =>
      call('apply', true, operation, watch, (change) => {
        if (!site.containers.some((each) => each.name === container)) {
          throw new Failure('NotFound', `site ${site.name} has no VM container ${container}`, {
            host: container,
          });
        }
        const wanted = table.edges.filter(
          (edge) => edge.site === site.name && edge.container === container,
        );
        setEdges(change, operation, container, wanted);
      }),

    describe: (operation, container, watch) =>
      call('describe', false, operation, watch, ({ site: state, world: all }) => {
        const supernode = Object.values(all.sites).some((each) =>
          hasSupernode(each, operation.mark),
        );
        return state.edges
          .filter(
            ({ mark, edge }) => sameMark(mark, operation.mark) && edge.container === container,
          )
          .map(({ edge, dead }) => ({ vm: edge.vm, up: !dead, registered: !dead && supernode }));
      }),

    remove: (operation, container, watch) =>
      call('remove', true, operation, watch, (change) =>
        setEdges(change, operation, container, []),
      ),
  };
}

function hasSupernode(state: MemorySiteState, mark: Mark): boolean {
  const alive = !state.deadSupernodes?.includes(mark.clusterId);
  return alive && state.supernodes.some((each) => sameMark(each, mark));
}

/** Makes the cluster's edges at the container exactly these. Those that differ or are dead start anew. */
function setEdges(
  { site: state, tell }: WorldChange,
  operation: Operation,
  container: string,
  wanted: Edge[],
): void {
  const { mark } = operation;
  const isHere = (each: MemoryEdge) =>
    sameMark(each.mark, mark) && each.edge.container === container;
  const before = state.edges.filter(isHere);
  const sound = before.filter(
    ({ edge, dead }) => !dead && wanted.some((each) => isDeepStrictEqual(each, edge)),
  );
  state.edges = [
    ...state.edges.filter((each) => !isHere(each)),
    ...wanted.map((edge) => ({ mark, edge })),
  ];
  for (const { edge } of before.filter((each) => !sound.includes(each))) {
    tell('remove edge', mark.clusterId, edge.vm);
  }
  for (const edge of wanted.filter(({ vm }) => !sound.some((each) => each.edge.vm === vm))) {
    tell('edge', mark.clusterId, edge.vm);
  }
}
