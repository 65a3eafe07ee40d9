import { ApplicationFailure, CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { Operation } from '../domain/mark.ts';
import { atSite, control } from './activities.ts';
import { runStep } from './progress.ts';
import { SiteMail } from './site-mail.ts';
import { siteSteps } from './site-steps.ts';

export interface DestroySiteInput {
  site: string;
  operation: Operation;
}

/** One site's part of a destroy: the undos of the build's steps, backwards, and the question what is left. */
export async function destroySite(input: DestroySiteInput): Promise<void> {
  const { parent } = workflowInfo();
  if (parent === undefined) {
    throw ApplicationFailure.nonRetryable(
      'destroySite is a part of destroyCluster: start that instead',
      'BadInput',
    );
  }
  const mail = new SiteMail(input.site, parent);
  try {
    const share = await control.siteShare(input);
    const steps = siteSteps(share);
    await runStep(mail.tell, 'vms', input.site, steps.reserve.undo);
    await runStep(mail.tell, 'edges', input.site, steps.edges.undo);
    if (share.isOrigin) await runStep(mail.tell, 'supernode', input.site, steps.supernode.undo);
    await runStep(mail.tell, 'inventory', input.site, async () => {
      const { installation, clusterId } = input.operation.mark;
      const left = await atSite(input.site).listOwned({
        site: share.site,
        installation,
        clusterId,
      });
      if (left.length === 0) return;
      throw ApplicationFailure.nonRetryable(
        `site ${input.site} still has ${left.map((thing) => `${thing.kind} ${thing.name} at ${thing.host}`).join(', ')}`,
        'Conflict',
      );
    });
  } finally {
    await CancellationScope.nonCancellable(() => mail.flushed());
  }
}
