import { Failure } from '../../../domain/failure.ts';
import type { Operation } from '../../../domain/mark.ts';
import type { HostPolicy } from '../../../domain/site-verbs.ts';
import type { VmDefinition } from '../../../domain/vm.ts';

/**
 * Whether this host may make the VM: meant for this host, and connected to nothing but its own
 * cluster's overlay and the site's networks that the administrator has named.
 *
 * @throws {Failure} BadInput or Forbidden.
 */
export function checkPolicy(policy: HostPolicy, operation: Operation, vm: VmDefinition): void {
  if (vm.container !== policy.host) {
    throw new Failure(
      'BadInput',
      `${vm.name} is meant for ${vm.container}, not for ${policy.host}`,
    );
  }
  // A bridge of the overlay carries its cluster's id; any other may lead into the site's network.
  if (!vm.bridge.startsWith(`b${operation.mark.clusterId.slice(0, 8)}-`)) {
    throw new Failure('Forbidden', `bridge ${vm.bridge} of ${vm.name} is not one of its overlay`);
  }
  const bridge = vm.siteInterface?.bridge;
  if (bridge === undefined || policy.siteBridges.includes(bridge)) return;
  throw new Failure('Forbidden', `the policy of ${policy.host} does not let VMs join ${bridge}`, {
    help: `allowed: ${policy.siteBridges.join(', ') || 'none'}; the site's administrator sets siteBridges in the policy`,
  });
}
