import type { Operation } from '../../domain/mark.ts';
import { listFences } from '../fence.ts';
import type { Host } from '../host.ts';
import type { VerbCall } from '../verb-handler.ts';

/** Of the clusters beyond the answer's limit none is told. */
const maxOperations = 10_000;

/** What this host remembers of an installation's clusters, those that are gone too. */
export async function operations(
  { policy }: Host,
  { input }: VerbCall<'operations'>,
): Promise<{ operations: Operation[] }> {
  const all = await listFences(policy.pool, input.installation);
  return { operations: all.slice(0, maxOperations) };
}
