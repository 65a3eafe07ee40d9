import { ApplicationFailure, CancellationScope, setHandler } from '@temporalio/workflow';
import type { Operation } from '../domain/mark.ts';
import { atSite, control } from './activities.ts';
import { requireParent } from './failures.ts';
import { answerSignal } from './messages.ts';
import { SiteMail } from './site-mail.ts';
import { siteSteps } from './site-steps.ts';
import { Steps } from './steps.ts';

export interface DestroySiteInput {
  site: string;
  operation: Operation;
}

/** Thrown where a person has given up a site. */
class GivenUp extends Error {}

/**
 * One site's part of a destroy: the undos of the build's steps, backwards, and the question what is
 * left. A site that is away is waited for.
 *
 * @returns false if a person gave the site up.
 */
export async function destroySite(input: DestroySiteInput): Promise<boolean> {
  const mail = new SiteMail(input.site, requireParent('destroyCluster'));
  const steps = new Steps(input.operation.mark.cluster, mail.tell);
  setHandler(answerSignal, ({ step, action }) => void steps.answer(step, input.site, action), {
    description: 'Sent by the cluster workflow: what a person says of a parked step.',
  });
  try {
    await removeEverything(input, steps);
    return true;
  } catch (error) {
    if (error instanceof GivenUp) return false;
    throw error;
  } finally {
    await CancellationScope.nonCancellable(() => mail.flushed());
  }
}

async function removeEverything({ site, operation }: DestroySiteInput, steps: Steps) {
  const share = await control.siteShare({ site, operation });
  const { reserve, edges, supernode } = siteSteps(share);
  const givenUp = { skip: () => Promise.reject(new GivenUp()) };
  await steps.run('vms', site, reserve.undo, givenUp);
  await steps.run('edges', site, edges.undo, givenUp);
  if (share.isOrigin) await steps.run('supernode', site, supernode.undo, givenUp);
  await steps.run(
    'inventory',
    site,
    async (round) => {
      if (round > 1) {
        await reserve.undo();
        await edges.undo();
        if (share.isOrigin) await supernode.undo();
      }
      const { installation, clusterId } = operation.mark;
      const left = await atSite(site).listOwned({ site: share.site, installation, clusterId });
      if (left.length === 0) return;
      throw ApplicationFailure.nonRetryable(
        `site ${site} still has ${left.map((thing) => `${thing.kind} ${thing.name} at ${thing.host}`).join(', ')}`,
        'Conflict',
      );
    },
    givenUp,
  );
}
