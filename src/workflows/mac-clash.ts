import { ApplicationFailure, isCancellation, log } from '@temporalio/workflow';
import type { OperationScope, SiteShare } from '../domain/operation.ts';
import { atSiteSoon, control } from './activities.ts';
import { describeFailure, macClashType, messageOf, rootCause } from './failures.ts';

/** As `reassignMacs` wants it. */
type Refused = Parameters<typeof control.reassignMacs>[0]['refused'];

/**
 * What it means that a site has refused VMs. Where other MACs would help, the operation is told so by a
 * failure of type `macClashType`: it gives others, and begins anew with them.
 *
 * @returns undefined if the failure is what it says; a promise that gives it back if that took a look.
 */
export function explainRefusal(share: SiteShare, error: unknown): Promise<unknown> | undefined {
  if (isCancellation(error) || describeFailure(error).kind !== 'Conflict') return undefined;
  return explain(share, error);
}

async function explain(share: SiteShare, error: unknown): Promise<unknown> {
  const refused = await lookAtRefusing(share);
  if (!refused) return error;
  return ApplicationFailure.create({
    type: macClashType,
    message: messageOf(error),
    nonRetryable: true,
    details: [describeFailure(error), refused],
  });
}

async function lookAtRefusing({ site, operation }: SiteShare): Promise<Refused | undefined> {
  try {
    const at = atSiteSoon(site.name);
    const [facts, seen] = await Promise.all([
      at.describeSite({ site }),
      at.describeVms({ site, operation }),
    ]);
    await control.recordFacts({ facts });
    const booted = seen.filter((vm) => vm.booted).map((vm) => vm.name);
    const refused = { site: site.name, booted };
    return (await control.canReassignMacs({ operation, refused })) ? refused : undefined;
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('a site that refused VMs did not tell why', { error: messageOf(error) });
    return undefined;
  }
}

/**
 * Records other MACs for what a site has refused.
 *
 * @returns what the operation works on from then on; undefined if this failure is another one.
 */
export async function reassignAfter(
  scope: OperationScope,
  error: unknown,
): Promise<OperationScope | undefined> {
  const cause = rootCause(error);
  if (!(cause instanceof ApplicationFailure) || cause.type !== macClashType) return undefined;
  const refused = cause.details?.[1] as Refused;
  const renewed = await control.reassignMacs({ scope, refused });
  // Its sites may be some of the cluster's only, and it is as fresh as it was.
  return renewed && { ...renewed, sites: scope.sites, fresh: scope.fresh };
}
