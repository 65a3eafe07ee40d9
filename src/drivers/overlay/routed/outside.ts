import { contains, parseRange } from '../../../domain/address.ts';
import { Failure } from '../../../domain/failure.ts';
import type { HostPolicy } from '../../../domain/site-verbs.ts';
import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';
import { listInterfaces } from '../interfaces.ts';
import { doesNotForward, forwardsIpv4 } from './forwarding.ts';
import { planOpenings, routesSchema, type Opening } from './openings.ts';

/**
 * Leaving a site by its own address is for its administrator to allow.
 *
 * @throws {Failure} Forbidden for a network that is not wholly in one that the policy allows.
 */
export function requireConsent(policy: Pick<HostPolicy, 'outside'>, outside: string[]): void {
  const allowed = policy.outside.map(parseRange);
  const refused = outside.filter(
    (network) => !allowed.some((each) => contains(each, parseRange(network))),
  );
  if (refused.length === 0) return;
  throw new Failure(
    'Forbidden',
    `this host's policy does not let VMs reach ${refused.join(', ')}, which overlay.outside opens`,
    {
      help: `ask the site's administrator to write \`${policyLine([...policy.outside, ...refused])}\` into /etc/mvc/policy.json there, or build the cluster without that`,
    },
  );
}

function policyLine(networks: string[]): string {
  return `"outside": [${networks.map((network) => `"${network}"`).join(', ')}]`;
}

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
