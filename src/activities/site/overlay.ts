import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../domain/failure.ts';
import type { Operation } from '../../domain/mark.ts';
import type { OverlayKind, OverlayTable, Path, SeenEdge } from '../../domain/overlay.ts';
import type { Sealed } from '../../domain/sealed.ts';
import type { Site } from '../../domain/site.ts';
import type { OverlayDriver } from '../../drivers/overlay/overlay-driver.ts';
import type { Watch } from '../../drivers/site/site-driver.ts';
import { activity } from '../activity.ts';
import type { SiteDrivers } from './drivers.ts';

const edgeDeadlineMs = 60_000;

/** Activities about a site's part of an overlay. */
export function createOverlayActivities(drivers: SiteDrivers) {
  return {
    async ensureSupernode(input: {
      site: Site;
      operation: Operation;
      table: OverlayTable;
    }): Promise<void> {
      return activity(async (watch) => {
        const driver = drivers.overlay(input.site, input.table.kind);
        await driver.ensureSupernode?.(input.operation, input.table, watch);
      });
    },

    /** `up: true` for kinds that have none. */
    async describeSupernode(input: {
      site: Site;
      operation: Operation;
      kind: OverlayKind;
    }): Promise<{ up: boolean }> {
      return activity(async (watch) => {
        const driver = drivers.overlay(input.site, input.kind);
        return (await driver.describeSupernode?.(input.operation, watch)) ?? { up: true };
      });
    },

    async removeSupernode(input: {
      site: Site;
      operation: Operation;
      kind: OverlayKind;
    }): Promise<void> {
      return activity(async (watch) => {
        await drivers.overlay(input.site, input.kind).removeSupernode?.(input.operation, watch);
      });
    },

    /** Makes the edges of all containers of the site as the table has them, and waits until they are up. */
    async applyOverlay(input: {
      site: Site;
      operation: Operation;
      table: OverlayTable;
      /** The overlay's key, sealed to each container. */
      keys: Record<string, Sealed>;
    }): Promise<void> {
      return activity(async (watch) => {
        const driver = drivers.overlay(input.site, input.table.kind);
        await Promise.all(
          Object.entries(input.keys).map(async ([container, key]) => {
            await driver.apply(input.operation, container, input.table, key, watch);
            await waitForEdges(driver, input, container, watch);
          }),
        );
      });
    },

    /** The cluster's edges at these containers, as they are there. */
    async describeOverlay(input: {
      site: Site;
      operation: Operation;
      kind: OverlayKind;
      containers: string[];
    }): Promise<SeenEdge[]> {
      return activity(async (watch) => {
        const driver = drivers.overlay(input.site, input.kind);
        const seen = await Promise.all(
          input.containers.map((container) => driver.describe(input.operation, container, watch)),
        );
        return seen.flat();
      });
    },

    /** How the containers reach the others; nothing of kinds that choose no paths. */
    async describePaths(input: {
      site: Site;
      operation: Operation;
      kind: OverlayKind;
      containers: string[];
    }): Promise<Path[]> {
      return activity(async (watch) => {
        const driver = drivers.overlay(input.site, input.kind);
        const found = await Promise.all(
          input.containers.map(
            async (container) =>
              (await driver.describePaths?.(input.operation, container, watch)) ?? [],
          ),
        );
        return found.flat();
      });
    },

    async removeOverlay(input: {
      site: Site;
      operation: Operation;
      kind: OverlayKind;
      containers: string[];
    }): Promise<void> {
      return activity(async (watch) => {
        const driver = drivers.overlay(input.site, input.kind);
        await Promise.all(
          input.containers.map((container) => driver.remove(input.operation, container, watch)),
        );
      });
    },
  };
}

async function waitForEdges(
  driver: OverlayDriver,
  input: { site: Site; operation: Operation; table: OverlayTable },
  container: string,
  watch: Watch,
): Promise<void> {
  const wanted = input.table.edges.filter(
    (edge) => edge.site === input.site.name && edge.container === container,
  );
  const deadline = Date.now() + edgeDeadlineMs;
  for (;;) {
    const seen = await driver.describe(input.operation, container, watch);
    const missing = wanted.filter(
      (edge) => !seen.some((each) => each.vm === edge.vm && each.up && each.registered),
    );
    if (missing.length === 0) return;
    if (Date.now() > deadline) {
      const names = missing.map((edge) => edge.vm).join(', ');
      const why = seen.find(({ vm }) => missing.some((edge) => edge.vm === vm))?.detail;
      throw new Failure(
        'Timeout',
        `at site ${input.site.name}, container ${container}, the edges of ${names} have not joined the overlay${why === undefined ? '' : `: ${why}`}`,
        {
          host: container,
          help: "UDP from that container must reach the origin's public address, at the ports that its site gives as `udpPorts`",
        },
      );
    }
    await sleep(500, undefined, watch.signal ? { signal: watch.signal } : {});
  }
}
