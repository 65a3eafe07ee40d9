import type { SiteVerbOutput } from '../../domain/site-verbs.ts';
import type { SiteDoor } from '../../transport/site-door.ts';

/** What a host says of itself, and this machine's clock at the middle of the question, ms since 1970. */
export interface HostAnswer {
  answer: SiteVerbOutput<'host.check'>;
  clockMs: number;
}

/** @throws {Failure} as the door. */
export async function askHost(
  door: SiteDoor,
  host: string,
  bridges: string[] = [],
): Promise<HostAnswer> {
  // The first question makes the connection, which would count as skew.
  await door.call(host, 'host.check', { bridges: [] });
  const begin = Date.now();
  const answer = await door.call(host, 'host.check', { bridges });
  return { answer, clockMs: (begin + Date.now()) / 2 };
}
