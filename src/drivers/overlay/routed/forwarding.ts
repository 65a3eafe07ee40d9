import { Failure } from '../../../domain/failure.ts';
import type { Shell } from '../../../transport/shell.ts';
import { runChecked } from '../../supervisor/run-checked.ts';

/** Whether this host forwards IPv4 that comes by the interface; without one, by any: `net.ipv4.ip_forward`. */
export async function forwardsIpv4(shell: Shell, device = 'all'): Promise<boolean> {
  const setting = `/proc/sys/net/ipv4/conf/${device}/forwarding`;
  return (await runChecked(shell, ['cat', setting])).trim() !== '0';
}

/** The kernel drops without a word what it does not forward; and that it does is its administrator's decision. */
export function doesNotForward(what: string, orElse: string): Failure {
  return new Failure('Forbidden', `this host does not forward ${what}`, {
    help: `ask the site's administrator to set \`net.ipv4.ip_forward=1\` there for good (sysctl), or ${orElse}`,
  });
}
