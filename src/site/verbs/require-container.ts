import { Failure } from '../../domain/failure.ts';
import type { Host } from '../host.ts';

/** @throws {Failure} Conflict if what is meant for one VM container has reached another host. */
export function requireContainer({ policy }: Host, container: string): void {
  if (container === policy.host) return;
  throw new Failure('Conflict', `this host is ${policy.host}, not ${container}`, {
    help: 'the addresses of the site’s VM containers are mixed up in its registration',
  });
}
