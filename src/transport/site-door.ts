import type { Operation } from '../domain/mark.ts';
import type { SiteVerb, SiteVerbInput, SiteVerbOutput } from '../domain/site-verbs.ts';

export interface CallOptions {
  operation?: Operation;
  /** Raw bytes behind the request line (`image.chunk`). */
  body?: Uint8Array;
  signal?: AbortSignal;
  /** Milliseconds for the whole question; 20,000 by default. */
  timeoutMs?: number;
}

/**
 * The door to a site: asks `mvc-site` at one of its hosts a verb. Over ssh, or on this very machine
 * for a worker that stands at the site.
 */
export interface SiteDoor {
  /**
   * @param host `physical-frontend` or the name of a VM container.
   * @throws {Failure} what the host answered, or Unreachable, HostKeyChanged, AccessDenied, Timeout, Protocol.
   */
  call<V extends SiteVerb>(
    host: string,
    verb: V,
    input: SiteVerbInput<V>,
    options?: CallOptions,
  ): Promise<SiteVerbOutput<V>>;
}
