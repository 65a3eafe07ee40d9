import { CancellationScope, isCancellation, log, setHandler, sleep } from '@temporalio/workflow';
import type { Operation } from '../domain/mark.ts';
import { reservationLeaseSeconds, type SiteShare } from '../domain/operation.ts';
import type { ImageRef } from '../domain/image.ts';
import type { VmDefinition } from '../domain/vm.ts';
import { failureKinds } from '../domain/failure.ts';
import { atSiteSoon, control, waitingAtSite } from './activities.ts';
import { describeFailure, messageOf, requireParent } from './failures.ts';
import { explainRefusal } from './mac-clash.ts';
import { answerSignal } from './messages.ts';
import { SiteMail } from './site-mail.ts';
import { makeVms, removeEdges, removeVms, siteSteps, startVms, stopVms } from './site-steps.ts';
import { Steps } from './steps.ts';

/** Minutes under emulation, seconds on hardware: long enough that only a dead VM misses it. */
const frontendDeadlineMs = 15 * 60_000;
/** How often the VMs that install themselves are looked at, so that one that fell is started again. */
const tendEveryMs = 45_000;
const leaseRenewedEveryMs = (reservationLeaseSeconds * 1000) / 3;

export interface BuildSiteInput {
  site: string;
  operation: Operation;
  /** True if this operation made the plan: a site that cannot give its part then ends it. */
  fresh: boolean;
  /** Running VMs that are stopped first, so that they start anew. */
  restart: string[];
}

/**
 * One site's part of a build, scale, start or repair: looks at each thing and acts on the difference.
 * Started by the cluster's workflow, never by a person.
 */
export async function buildSite(input: BuildSiteInput): Promise<void> {
  const mail = new SiteMail(input.site, requireParent('an operation on a cluster'));
  const steps = new Steps(input.operation.mark.cluster, mail.tell);
  setHandler(answerSignal, ({ step, action }) => void steps.answer(step, input.site, action), {
    description: 'Sent by the cluster workflow: what a person says of a parked step.',
  });
  try {
    const share = await control.siteShare({ operation: input.operation, site: input.site });
    await new SiteBuild(input, share, mail, steps).run();
  } finally {
    await CancellationScope.nonCancellable(() => mail.flushed());
  }
}

class SiteBuild {
  private readonly input: BuildSiteInput;
  private readonly share: SiteShare;
  private readonly mail: SiteMail;
  private readonly steps: Steps;
  private readonly site: string;
  /** VMs that were started or found running: they are tended from then on. */
  private readonly running = new Map<string, VmDefinition>();

  constructor(input: BuildSiteInput, share: SiteShare, mail: SiteMail, steps: Steps) {
    this.input = input;
    this.share = share;
    this.mail = mail;
    this.steps = steps;
    this.site = input.site;
  }

  async run(): Promise<void> {
    const { share, mail } = this;
    if (share.vms.length + share.stopped.length === 0) {
      mail.reach('reserved');
      await this.leave();
      // Not before: the other sites are tended until the cluster is proved, and that may be long.
      mail.reach('started');
      return;
    }
    const left = await this.leave();
    await this.reserveWithTheOthers();
    const renewing = new CancellationScope();
    const renewal = renewing.run(() => this.renewLease()).catch(() => undefined);
    try {
      await this.build(left);
    } finally {
      renewing.cancel();
      await CancellationScope.nonCancellable(() => renewal);
    }
  }

  /**
   * Removes the VMs that go, and stops those that must be made anew.
   *
   * @returns the names of those that went, whose edges still stand.
   */
  private async leave(): Promise<string[]> {
    const { share, site, mail } = this;
    const again = [...share.changed, ...this.input.restart];
    const stopping = share.vms.filter((vm) => again.includes(vm.name));
    if (share.leaving.length + stopping.length === 0) return [];
    await mail.go('drained');
    const names = share.leaving.map((vm) => vm.name);
    return this.steps.run(
      'leave',
      site,
      async () => {
        await removeVms(share, share.leaving);
        await stopVms(share, stopping);
        if (share.vms.length + share.stopped.length > 0) return names;
        await removeEdges(share.site, share.operation, share.table.kind);
        await this.forget(names);
        return [];
      },
      // What stays behind stays recorded as leaving: the next operation removes it.
      { skip: async () => [] },
    );
  }

  private async forget(names: string[]): Promise<void> {
    if (names.length === 0) return;
    await control.forgetVms({ operation: this.share.operation, vms: names });
  }

  private async reserveWithTheOthers(): Promise<void> {
    const { input, share, mail } = this;
    // A gang that cannot be complete ends, and is given back; one whose site is away waits for it.
    const parks = ({ kind }: { kind: keyof typeof failureKinds }) =>
      !input.fresh || failureKinds[kind].retry;
    const { reserve } = siteSteps(share);
    await this.steps.run('reserve', input.site, () => reserve.do(), {
      parks,
      explain: this.explain,
    });
    await this.recordReserved();
    mail.reach('reserved');
    await mail.go('reserved');
  }

  private readonly explain = (error: unknown) => explainRefusal(this.share, error);

  /** As long as this operation is at work, also parked: VMs that were not booted yet stay reserved. */
  private async renewLease(): Promise<void> {
    for (;;) {
      await sleep(leaseRenewedEveryMs);
      try {
        await siteSteps(this.share).reserve.do();
      } catch (error) {
        if (isCancellation(error)) throw error;
        log.warn('the lease could not be renewed', { error: messageOf(error) });
      }
    }
  }

  private async build(left: string[]): Promise<void> {
    const { share, mail, site } = this;
    const steps = siteSteps(share);
    const uploaded = mail.builtImage().then((image) =>
      this.steps.run('image', site, () => steps.image.do(image), {
        note: (sent) => (sent ? { sent } : {}),
      }),
    );
    // Awaited together: a promise that fails while nobody waits for it would stop the whole run.
    const [image] = await Promise.all([mail.builtImage(), uploaded, this.joinOverlay()]);
    await this.forget(left);
    await this.tended(image, async () => {
      await this.installFrontend(image);
      const started = await this.startComputes(image);
      mail.reach('started', started);
      await mail.go('proved');
    });
  }

  private async joinOverlay(): Promise<void> {
    const { share, mail, site } = this;
    const steps = siteSteps(share);
    if (share.isOrigin) {
      await this.steps.run('supernode', site, () => steps.supernode.do());
      mail.reach('supernode');
    }
    await mail.go('supernode');
    await this.steps.run('edges', site, async (round) => {
      // No edge registers without it.
      if (round > 1 && share.isOrigin) await steps.supernode.do();
      await steps.edges.do();
    });
  }

  private async installFrontend(image: ImageRef): Promise<void> {
    const { share, site, mail } = this;
    const frontend = share.vms.find((vm) => vm.role === 'frontend');
    if (!frontend) return;
    const started: string[] = [];
    const install = async (round: number) => {
      started.push(...(await this.startAll([frontend], image, round)));
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
    };
    await this.steps.run('frontend', site, install, { explain: this.explain });
    mail.reach('frontend', started);
  }

  private async startComputes(image: ImageRef): Promise<string[]> {
    const computes = this.share.vms.filter((vm) => vm.role === 'compute');
    if (computes.length === 0) {
      await this.mail.go('frontend');
      return [];
    }
    const started: string[] = [];
    const start = async (round: number) => {
      started.push(
        ...(await this.startAll(computes, image, round, () => this.mail.go('frontend'))),
      );
    };
    await this.steps.run('computes', this.site, start, { explain: this.explain });
    return started;
  }

  /** @returns the names of the VMs that were started now. */
  private async startAll(
    vms: VmDefinition[],
    image: ImageRef,
    round: number,
    ready?: () => Promise<void>,
  ): Promise<string[]> {
    // After a long rest the lease may have run out, and others may have taken the room.
    if (round > 1) await siteSteps(this.share).reserve.do();
    await makeVms(this.share, vms, image);
    await ready?.();
    const started = await startVms(this.share, vms);
    for (const vm of vms) this.running.set(vm.name, vm);
    await this.recordInstalling(started);
    return started;
  }

  /** What is further already stays so. */
  private async recordReserved(): Promise<void> {
    const { vms, operation } = this.share;
    const states = Object.fromEntries(vms.map((vm) => [vm.name, 'reserved']));
    await control.recordVmStates({ operation, states, from: ['planned'] });
  }

  private async recordInstalling(names: string[]): Promise<void> {
    if (names.length === 0) return;
    const states = Object.fromEntries(names.map((name) => [name, 'installing']));
    await control.recordVmStates({ operation: this.share.operation, states });
  }

  /** Mends what falls while the body makes the VMs and waits for them. */
  private async tended<T>(image: ImageRef, body: () => Promise<T>): Promise<T> {
    const tending = new CancellationScope();
    const loop = tending.run(() => this.tend(image)).catch(() => undefined);
    try {
      return await body();
    } finally {
      tending.cancel();
      await CancellationScope.nonCancellable(() => loop);
    }
  }

  private async tend(image: ImageRef): Promise<void> {
    for (;;) {
      await sleep(tendEveryMs);
      try {
        await this.mendOverlay();
        const fallen = await this.fallenVms();
        if (fallen.length > 0) await this.mendVms(fallen, image);
      } catch (error) {
        if (isCancellation(error)) throw error;
        // Whoever waits for the VM tells what is wrong; this only helps.
        log.warn('the VMs could not be tended', { error: messageOf(error) });
      }
    }
  }

  private async mendOverlay(): Promise<void> {
    const { site, operation, table, isOrigin } = this.share;
    const steps = siteSteps(this.share);
    const at = atSiteSoon(site.name);
    if (isOrigin && !(await at.describeSupernode({ site, operation, kind: table.kind })).up) {
      await steps.supernode.do();
    }
    const containers = [...new Set(table.edges.map((edge) => edge.container))];
    const edges = await at.describeOverlay({ site, operation, kind: table.kind, containers });
    // One that is only not registered comes back by itself.
    const isUp = (vm: string) => edges.some((edge) => edge.vm === vm && edge.up);
    if (!table.edges.every((edge) => isUp(edge.vm))) await steps.edges.do();
  }

  private async fallenVms(): Promise<VmDefinition[]> {
    const { site, operation } = this.share;
    const seen = await atSiteSoon(site.name).describeVms({ site, operation });
    const powerOf = (vm: VmDefinition) => seen.find((each) => each.name === vm.name)?.power;
    return [...this.running.values()].filter((vm) => powerOf(vm) !== 'running');
  }

  /** What does not pass by itself, such as others in the place of a VM that went, parks with its cause. */
  private async mendVms(fallen: VmDefinition[], image: ImageRef): Promise<void> {
    const mend = () => this.startAgain(fallen, image);
    try {
      await mend();
    } catch (error) {
      const step = fallen.some((vm) => vm.role === 'frontend') ? 'frontend' : 'computes';
      const passes = isCancellation(error) || failureKinds[describeFailure(error).kind].retry;
      // A step that is at work meets the same cause in its next round.
      if (passes || this.steps.isRunning(step, this.site)) throw error;
      await this.steps.run(step, this.site, mend);
    }
  }

  private async startAgain(fallen: VmDefinition[], image: ImageRef): Promise<void> {
    // Not only what is gone: the lease's renewal may have reserved it again, and then it has no disks.
    await siteSteps(this.share).reserve.do();
    await makeVms(this.share, fallen, image);
    const started = await startVms(this.share, fallen);
    log.warn('started again what had fallen', { vms: started });
  }
}
