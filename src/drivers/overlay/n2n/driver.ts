import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../domain/failure.ts';
import { physicalFrontend } from '../../../domain/site.ts';
import type { SiteDoor } from '../../../transport/site-door.ts';
import { callOptions } from '../call-options.ts';
import type { OverlayDriver } from '../overlay-driver.ts';

const supernodeDeadlineMs = 30_000;
const pollMs = 300;

/**
 * The n2n overlay as a site worker drives it, through the site's door.
 *
 * @param site the site's name: containers of other sites may have the same names as its own.
 */
export function createN2nDriver(door: SiteDoor, site: string): OverlayDriver {
  const kind = 'n2n' as const;
  return {
    async ensureSupernode(operation, table, watch) {
      const { supernode, version } = table;
      if (!supernode) throw new Failure('BadInput', 'the table of an n2n overlay has no supernode');
      const options = callOptions(operation, watch);
      await door.call(physicalFrontend, 'supernode.ensure', { kind, supernode, version }, options);
      const deadline = Date.now() + supernodeDeadlineMs;
      while (!(await door.call(physicalFrontend, 'supernode.describe', { kind }, options)).up) {
        watch?.progress?.({ note: 'waiting for the supernode to listen' });
        if (Date.now() > deadline) {
          throw new Failure(
            'Timeout',
            `the supernode at site ${supernode.site} does not listen at UDP port ${supernode.port}`,
            {
              host: physicalFrontend,
              help: 'at its physical frontend, see whether another program has the port',
            },
          );
        }
        await sleep(pollMs, undefined, watch?.signal ? { signal: watch.signal } : {});
      }
    },

    async describeSupernode(operation, watch) {
      const options = callOptions(operation, watch);
      const { up } = await door.call(physicalFrontend, 'supernode.describe', { kind }, options);
      return { up };
    },

    async removeSupernode(operation, watch) {
      const options = callOptions(operation, watch);
      await door.call(physicalFrontend, 'supernode.remove', { kind }, options);
    },

    async apply(operation, container, table, key, watch) {
      // Ending an edge that has changed may take seconds.
      const options = callOptions(operation, watch, 45_000);
      const own = { ...table, edges: table.edges.filter((edge) => edge.site === site) };
      await door.call(container, 'overlay.apply', { container, table: own, key }, options);
    },

    async describe(operation, container, watch) {
      const options = callOptions(operation, watch);
      return (await door.call(container, 'overlay.describe', {}, options)).edges;
    },

    async remove(operation, container, watch) {
      const options = callOptions(operation, watch, 45_000);
      await door.call(container, 'overlay.remove', {}, options);
    },
  };
}
