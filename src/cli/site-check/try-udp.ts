import { randomBytes } from 'node:crypto';
import { toFailure, type Failure } from '../../domain/failure.ts';
import { physicalFrontend, type LibvirtSite } from '../../domain/site.ts';
import { udpCheck, type Check } from '../../domain/site-check.ts';
import type { SiteDoor } from '../../transport/site-door.ts';

const askSeconds = 4;
/** Longer, since both begin over connections of different lengths. */
const listenSeconds = 6;
const portsToTry = 8;

export interface Sender {
  site: string;
  host: string;
  door: SiteDoor;
}

/**
 * Sends datagrams from every sender to the site's public address, as overlays will: where the site is the
 * origin, its own VM containers reach the supernode there too.
 */
export async function tryUdp(to: LibvirtSite, door: SiteDoor, senders: Sender[]): Promise<Check[]> {
  const { first, last } = to.udpPorts;
  let busy: Failure | undefined;
  // From the end: overlays take their ports from the beginning.
  for (let port = last; port >= first && port > last - portsToTry; port -= 1) {
    const outcome = await tryPort(to, door, senders, port);
    if ('checks' in outcome) return outcome.checks;
    busy = outcome.failure;
    if (busy.kind !== 'Busy') break;
  }
  return [
    {
      site: to.name,
      host: physicalFrontend,
      check: 'udp',
      state: 'mend',
      found: busy?.message ?? 'no port was tried',
      mend: busy?.help ?? 'give the site UDP ports that nothing else uses there',
    },
  ];
}

async function tryPort(
  to: LibvirtSite,
  door: SiteDoor,
  senders: Sender[],
  port: number,
): Promise<{ checks: Check[] } | { failure: Failure }> {
  const token = randomBytes(16).toString('hex');
  const address = to.frontend.publicAddress;
  const timeoutMs = (listenSeconds + 20) * 1000;
  const listening = door
    .call(physicalFrontend, 'udp.listen', { port, token, seconds: listenSeconds }, { timeoutMs })
    .then(
      ({ heard }) => ({ heard: new Set(heard) }),
      (error: unknown) => ({ failure: toFailure(error) }),
    );
  const asked = senders.map(async (sender) => {
    const who = `${sender.site}/${sender.host}`;
    const question = { address, port, token, sender: who, seconds: askSeconds };
    try {
      return await sender.door.call(sender.host, 'udp.ask', question, { timeoutMs });
    } catch (error) {
      return { failure: toFailure(error) };
    }
  });
  const [listened, answers] = await Promise.all([listening, Promise.all(asked)]);
  if ('failure' in listened) return listened;
  const checks = senders.map(({ site, host }, index): Check => {
    const answer = answers[index];
    if (!answer || 'failure' in answer) {
      const found = answer?.failure.message ?? 'not asked';
      return { site, host, check: 'udp', state: 'skipped', found };
    }
    const heard = listened.heard.has(`${site}/${host}`);
    return { site, host, ...udpCheck({ to: to.name, address, port, heard, ...answer }) };
  });
  return { checks };
}
