import type { z } from 'zod';
import type { Operation } from '../domain/mark.ts';
import type { SiteVerb, siteVerbs, SiteVerbOutput } from '../domain/site-verbs.ts';
import type { Host } from './host.ts';

type CheckedInput<V extends SiteVerb> = z.output<(typeof siteVerbs)[V]['input']>;

/** What a verb is asked, checked. */
export interface VerbCall<V extends SiteVerb> {
  input: CheckedInput<V>;
  /** Reading it fails with BadInput where the request names none. */
  readonly operation: Operation;
  readBody: (length: number) => Promise<Buffer>;
}

/** A verb's implementation, and what must hold while it runs. */
export interface VerbHandler<V extends SiteVerb> {
  /**
   * `none`: no operation, no lock. `fence`: the operation must not be stale. `change`: and it becomes
   * the newest, under the host's lock. `lock`: the lock alone.
   */
  guard: 'none' | 'fence' | 'change' | 'lock';
  run(host: Host, call: VerbCall<V>): Promise<SiteVerbOutput<V>>;
}

export type VerbHandlers = { [V in SiteVerb]: VerbHandler<V> };
