import { ApplicationFailure, CancellationScope, workflowInfo } from '@temporalio/workflow';
import type { Operation } from '../domain/mark.ts';
import type { SiteShare } from '../domain/operation.ts';
import { atSite, control } from './activities.ts';
import { runStep } from './progress.ts';
import { SiteMail } from './site-mail.ts';
import { makeVms, releaseSoon, siteSteps, startVms } from './site-steps.ts';

/** Minutes under emulation, seconds on hardware: long enough that only a dead VM misses it. */
const frontendDeadlineMs = 15 * 60_000;

export interface BuildSiteInput {
  site: string;
  operation: Operation;
  /** True if this operation made the reservation plan, so that it may take it back. */
  fresh: boolean;
}

/** One site's part of a build. Started by `buildCluster`, never by a person. */
export async function buildSite(input: BuildSiteInput): Promise<void> {
  const parent = workflowInfo().parent?.workflowId;
  if (parent === undefined) {
    throw ApplicationFailure.nonRetryable(
      'buildSite is a part of buildCluster: start that instead',
      'BadInput',
    );
  }
  const mail = new SiteMail(input.site, parent);
  try {
    const share = await control.siteShare({ operation: input.operation, site: input.site });
    await reserveWithTheOthers(input, share, mail);
    await buildShare(share, mail);
  } finally {
    await CancellationScope.nonCancellable(() => mail.flushed());
  }
}

async function reserveWithTheOthers(
  input: BuildSiteInput,
  share: SiteShare,
  mail: SiteMail,
): Promise<void> {
  const { reserve } = siteSteps(share);
  try {
    await runStep(mail.tell, reserve.name, input.site, reserve.do);
    mail.reach('reserved');
    await mail.go('reserved');
  } catch (error) {
    // All sites or none: what this site gave goes back when another could not give its part.
    if (input.fresh) await CancellationScope.nonCancellable(() => releaseSoon(share));
    throw error;
  }
}

async function buildShare(share: SiteShare, mail: SiteMail): Promise<void> {
  const steps = siteSteps(share);
  const site = share.site.name;
  const uploaded = mail
    .builtImage()
    .then((image) => runStep(mail.tell, 'image', site, () => steps.image.do(image)));
  const joined = joinOverlay(share, mail);
  const image = await mail.builtImage();
  const computes = share.vms.filter((vm) => vm.role === 'compute');
  const frontend = share.vms.find((vm) => vm.role === 'frontend');

  await Promise.all([uploaded, joined]);
  if (frontend) {
    await runStep(mail.tell, 'frontend', site, async () => {
      await makeVms(share, [frontend], image);
      await startVms(share, [frontend]);
      await atSite(site).waitForFrontend.executeWithOptions(
        { summary: `frontend VM of ${share.operation.mark.cluster}` },
        [
          {
            frontend: {
              site: share.site,
              operation: share.operation,
              container: frontend.container,
              vm: frontend.name,
            },
            timeoutMs: frontendDeadlineMs,
          },
        ],
      );
    });
    mail.reach('frontend');
  }
  await makeVms(share, computes, image);
  await mail.go('frontend');
  mail.reach('started', await startVms(share, computes));
}

async function joinOverlay(share: SiteShare, mail: SiteMail): Promise<void> {
  const steps = siteSteps(share);
  const site = share.site.name;
  if (share.isOrigin) {
    await runStep(mail.tell, 'supernode', site, steps.supernode.do);
    mail.reach('supernode');
  }
  await mail.go('supernode');
  await runStep(mail.tell, 'edges', site, steps.edges.do);
}
