import { ApplicationFailure, CancellationScope, log, workflowInfo } from '@temporalio/workflow';
import type { Operation } from '../domain/mark.ts';
import type { SiteShare } from '../domain/operation.ts';
import type { VmDefinition } from '../domain/vm.ts';
import { control, waitingAtSite } from './activities.ts';
import { messageOf } from './failures.ts';
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
  const { parent } = workflowInfo();
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
    await recordStates(share, share.vms, 'reserved');
    mail.reach('reserved');
    await mail.go('reserved');
  } catch (error) {
    // All sites or none: what this site gave goes back when another could not give its part.
    if (input.fresh) await CancellationScope.nonCancellable(() => release(share, mail));
    throw error;
  }
}

/** A site that is away keeps what it gave until the lease ends, and then the cluster's record is kept too. */
async function release(share: SiteShare, mail: SiteMail): Promise<void> {
  try {
    await releaseSoon(share);
    mail.reach('released');
  } catch (error) {
    log.warn('the reservation could not be given back', { error: messageOf(error) });
  }
}

async function recordStates(share: SiteShare, vms: VmDefinition[], state: string): Promise<void> {
  const states = Object.fromEntries(vms.map((vm) => [vm.name, state]));
  await control.recordVmStates({ operation: share.operation, states });
}

async function buildShare(share: SiteShare, mail: SiteMail): Promise<void> {
  const steps = siteSteps(share);
  const site = share.site.name;
  const uploaded = mail
    .builtImage()
    .then((image) => runStep(mail.tell, 'image', site, () => steps.image.do(image)));
  // Awaited together: a promise that fails while nobody waits for it would stop the whole run.
  const [image] = await Promise.all([mail.builtImage(), uploaded, joinOverlay(share, mail)]);
  const computes = share.vms.filter((vm) => vm.role === 'compute');
  const frontend = share.vms.find((vm) => vm.role === 'frontend');
  if (frontend) {
    await runStep(mail.tell, 'frontend', site, async () => {
      await makeVms(share, [frontend], image);
      await startVms(share, [frontend]);
      await recordStates(share, [frontend], 'installing');
      await waitingAtSite(site, frontendDeadlineMs).waitForFrontend.executeWithOptions(
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
  const started = await startVms(share, computes);
  await recordStates(share, computes, 'installing');
  mail.reach('started', started);
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
