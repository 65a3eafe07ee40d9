import { Failure } from '../../domain/failure.ts';
import type { HostPolicy } from '../../domain/site-verbs.ts';

/** @throws {Failure} Forbidden. */
export function checkPort({ udpPorts }: Pick<HostPolicy, 'udpPorts'>, port: number): void {
  if (port >= udpPorts.first && port <= udpPorts.last) return;
  throw new Failure(
    'Forbidden',
    `UDP port ${port} is not among those that this host's policy allows (${udpPorts.first}–${udpPorts.last})`,
    { help: 'let the site’s registered `udpPorts` agree with its hosts’ policy' },
  );
}
