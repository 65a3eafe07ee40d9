import { physicalFrontend, type LibvirtSite } from '../../../domain/site.ts';
import type { SiteDoor } from '../../../transport/site-door.ts';
import { callOptions } from '../call-options.ts';
import type { OverlayDriver } from '../overlay-driver.ts';
import { forwardsFor, orderFor } from './order.ts';

type MakeOrder = typeof orderFor;

/** Several devices and services are made anew at most. */
const applyTimeoutMs = 60_000;

/**
 * The routed overlay as a site worker drives it, through the site's door: WireGuard between the VM
 * containers, a route per VM, and DHCP at each container. It has no supernode; some containers relay.
 *
 * @param makeOrder another overlay that joins containers orders something else.
 */
export function createRoutedDriver(
  door: SiteDoor,
  site: LibvirtSite,
  makeOrder: MakeOrder = orderFor,
): OverlayDriver {
  return {
    async apply(operation, container, table, key, watch) {
      const options = callOptions(operation, watch, applyTimeoutMs);
      const handOn = async () => {
        // For the whole site: the containers come all at once, and one of them is enough.
        const first = table.peers?.find((peer) => peer.site === site.name);
        if (first && first.container !== container) return;
        const forwards = forwardsFor(table, site.name);
        await door.call(physicalFrontend, 'forward.apply', { forwards }, options);
      };
      const join = async () => {
        const order = makeOrder(table, site.name, container);
        if (order) await door.call(container, 'routed.apply', { order, key }, options);
        else await door.call(container, 'routed.remove', {}, options);
      };
      await Promise.all([handOn(), join()]);
    },

    async describe(operation, container, watch) {
      const options = callOptions(operation, watch);
      return (await door.call(container, 'routed.describe', {}, options)).edges;
    },

    async describePaths(operation, container, watch) {
      const options = callOptions(operation, watch);
      const { paths } = await door.call(container, 'routed.describe', {}, options);
      return paths.map((path) => ({ ...path, from: `${site.name}/${container}` }));
    },

    async remove(operation, container, watch) {
      const options = callOptions(operation, watch, applyTimeoutMs);
      await door.call(container, 'routed.remove', {}, options);
      await door.call(physicalFrontend, 'forward.remove', {}, options);
    },
  };
}
