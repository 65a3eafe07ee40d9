import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Failure, parseInput, toFailure } from '../domain/failure.ts';
import type { Operation } from '../domain/mark.ts';
import {
  siteVerbs,
  type HostPolicy,
  type SiteAnswer,
  type SiteVerb,
} from '../domain/site-verbs.ts';
import { explainFailure } from './explain-failure.ts';
import { checkFence, raiseFence } from './fence.ts';
import { createHost, type Host } from './host.ts';
import { withLock } from './host-lock.ts';
import { policyAs, readPolicy } from './policy.ts';
import { readRequest, type Incoming } from './request.ts';
import type { VerbHandler } from './verb-handler.ts';
import { verbHandlers } from './verbs.ts';

const lockWaitSeconds = 15;

/** Reads one request, does it, and returns the answer; failures are answers too. */
export async function serveRequest(input: Readable, policyFile: string): Promise<SiteAnswer> {
  try {
    const incoming = await readRequest(input);
    const policy = policyAs(await readPolicy(policyFile), incoming.request.host);
    return await answerAt(policy, incoming);
  } catch (error) {
    return { ok: false, failure: toFailure(error).describe() };
  }
}

async function answerAt(policy: HostPolicy, incoming: Incoming): Promise<SiteAnswer> {
  try {
    return { ok: true, result: await serveAt(await createHost(policy), incoming) };
  } catch (error) {
    const cluster = incoming.request.operation?.mark.cluster;
    const asked = { pool: policy.pool, ...(cluster === undefined ? {} : { cluster }) };
    return { ok: false, failure: (await explainFailure(error, asked)).describe() };
  }
}

/** Does a request at this host, checked and guarded as its verb demands. */
export function serveAt(host: Host, incoming: Incoming): Promise<unknown> {
  return dispatch(host, incoming.request.verb, incoming);
}

async function dispatch<V extends SiteVerb>(
  host: Host,
  verb: V,
  { request, readBody }: Incoming,
): Promise<unknown> {
  // The table's type ties each name to its handler; the compiler cannot follow that through a variable.
  const handler = verbHandlers[verb] as VerbHandler<V>;
  const checked = parseInput(siteVerbs[verb].input, request.input, `the input of ${verb}`);
  const call = {
    input: checked as Parameters<typeof handler.run>[1]['input'],
    get operation(): Operation {
      if (request.operation) return request.operation;
      throw new Failure('BadInput', `${verb} must name the operation that it is part of`);
    },
    readBody,
  };
  const run = async () => siteVerbs[verb].output.parse(await handler.run(host, call));
  const { pool } = host.policy;
  const underLock = (action: () => Promise<unknown>) =>
    withLock(join(pool, 'lock'), lockWaitSeconds, action);
  switch (handler.guard) {
    case 'none':
      return run();
    case 'fence':
      await checkFence(pool, call.operation);
      return run();
    case 'lock':
      return underLock(run);
    case 'change':
      // Before the lock, so that a stale one does not queue up; again within, where it counts.
      await checkFence(pool, call.operation);
      return underLock(async () => {
        await raiseFence(pool, call.operation);
        return run();
      });
  }
}
