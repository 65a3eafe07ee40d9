import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import { listInterfaces } from '../interfaces.ts';
import { doesNotForward, forwardsIpv4 } from './forwarding.ts';
import { planOpenings, routesSchema, type Opening } from './openings.ts';

/**
 * How this host reaches the networks outside that its VMs may reach. Whether it forwards what comes back is
 * its administrator's decision alone: nothing is changed here.
 *
 * @throws {Failure} Forbidden if it does not; Conflict if there is no way.
 */
export async function readOpenings(shell: Shell, outside: string[]): Promise<Opening[]> {
  if (outside.length === 0) return [];
  const routes = routesSchema.parse(
    JSON.parse(await runChecked(shell, ['ip', '-j', '-4', 'route', 'show', 'table', 'all'])),
  );
  // Read after the routes: an overlay's interface has its mark before it has any.
  const interfaces = await listInterfaces(shell);
  const foreign = new Set(interfaces.flatMap(({ name, mark }) => (mark ? [] : [name])));
  const openings = planOpenings(outside, routes, (device) => !foreign.has(device));
  for (const { network, devices } of openings) {
    for (const device of devices) await requireForwarding(shell, device, network);
  }
  return openings;
}

async function requireForwarding(shell: Shell, device: string, network: string): Promise<void> {
  if (await forwardsIpv4(shell, device)) return;
  throw doesNotForward(
    `what comes back by ${device} from ${network}, which overlay.outside opens`,
    'build the cluster without `overlay.outside`',
  );
}
