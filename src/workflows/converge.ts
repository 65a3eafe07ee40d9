import { CancellationScope } from '@temporalio/workflow';
import type { ClusterSpec, VerifyReport } from '../domain/cluster.ts';
import type { Finding } from '../domain/drift.ts';
import type { ImageRef } from '../domain/image.ts';
import type { FrontendShare, OperationScope } from '../domain/operation.ts';
import {
  atSite,
  atSiteSoon,
  control,
  longControl,
  provingAtSite,
  waitingAtSite,
} from './activities.ts';
import type { ClusterOperation } from './cluster-operation.ts';
import { reassignAfter } from './mac-clash.ts';
import { SiteChoir } from './site-choir.ts';

/** All nodes boot at once, so this hardly grows with their number; emulated ones are slow. */
const nodesDeadlineMs = 20 * 60_000;
/** How long the jobs of nodes that leave are waited for. */
const drainDeadlineMs = 60 * 60_000;

/** How often other MACs are given before somebody should look at who takes them all. */
const clashesAtMost = 5;

export interface ConvergeOptions {
  /** Site → names of running VMs that are stopped first, so that they start anew. */
  restart?: Record<string, string[]>;
  /** Which nodes the proof is about: all, or just those that this operation has started. */
  prove: 'all' | 'started';
}

export interface Converged {
  /** Names of the VMs that were started. */
  started: string[];
  /** Absent if there was nothing to prove. */
  report?: VerifyReport;
  /** Nodes that were left out on request, and are not idle. */
  missing: Finding[];
}

/**
 * Makes the cluster as it is recorded, from whatever is there. A corrected spec, taken from `resume`
 * meanwhile, stops it and begins anew with what the spec has changed: all else is found done. So do other
 * MACs, where a site has a domain by now that has those of VMs that never booted.
 */
export async function converge(
  operation: ClusterOperation,
  options: ConvergeOptions,
): Promise<Converged> {
  for (let clashes = 0; ;) {
    const round = new CancellationScope();
    let corrected: ClusterSpec | undefined;
    operation.respec = async (spec) => {
      const change = await control.previewChange({ cluster: operation.cluster, spec });
      corrected = spec;
      round.cancel();
      return change;
    };
    try {
      const result = await round.run(() => new Converging(operation, options).run());
      if (!corrected) return result;
    } catch (error) {
      if (CancellationScope.current().consideredCancelled) throw error;
      if (!corrected) {
        clashes += 1;
        const scope =
          clashes > clashesAtMost ? undefined : await reassignAfter(operation.recorded, error);
        if (!scope) throw error;
        operation.take(scope);
      }
    } finally {
      operation.respec = undefined;
      operation.sites = undefined;
    }
    if (!corrected) continue;
    const scope = await control.changePlan({ scope: operation.recorded, spec: corrected });
    // What was made before may be in use: from now on a gang that fails gives nothing back.
    operation.take({ ...scope, fresh: false });
    operation.board.clearSteps();
  }
}

class Converging {
  private readonly operation: ClusterOperation;
  private readonly options: ConvergeOptions;
  private readonly scope: OperationScope;
  private readonly choir: SiteChoir;
  private result: Converged = { started: [], missing: [] };

  constructor(operation: ClusterOperation, options: ConvergeOptions) {
    this.operation = operation;
    this.options = options;
    this.scope = operation.recorded;
    this.choir = new SiteChoir(this.scope, operation.board.record, options.restart ?? {});
    operation.sites = this.choir;
  }

  async run(): Promise<Converged> {
    const share = await control.frontendShare({ operation: this.scope.operation });
    await this.choir.sing(async () => {
      const image = this.tellImage();
      // Awaited together: one that fails while nobody waits for it would stop the whole run.
      const drained = this.drain(share);
      await Promise.all([image, drained, this.conduct(share, image, drained)]);
    });
    return { ...this.result, started: [...this.choir.started] };
  }

  private async tellImage(): Promise<void> {
    const { operation, rolls } = this.scope;
    const image = await this.operation.steps.run('image', undefined, (): Promise<ImageRef> =>
      longControl.nodeImage.executeWithOptions({ summary: 'node image' }, [{ operation, rolls }]),
    );
    await this.choir.go({ reached: [], image });
  }

  /** The nodes that leave get no more work, and end what they have. */
  private async drain(share: FrontendShare): Promise<void> {
    if (share.leaving.length > 0) {
      await this.operation.steps.run(
        'drain',
        undefined,
        () => drainNodes(this.scope, share, share.leaving),
        {
          skip: async () => undefined,
        },
      );
    }
    await this.choir.go({ reached: ['drained'] });
  }

  private async conduct(
    share: FrontendShare,
    image: Promise<void>,
    draining: Promise<void>,
  ): Promise<void> {
    const { choir } = this;
    await choir.everywhere('reserved');
    this.operation.gangComplete = true;
    await choir.go({ reached: ['reserved'] });
    await choir.atOrigin('supernode');
    await choir.go({ reached: ['supernode'] });
    await image;
    await choir.atOrigin('frontend');
    const { since, drained } = await this.prepareFrontend(share);
    await choir.go({ reached: ['frontend'] });
    await choir.everywhere('started');
    // The sites tend their VMs until the proof, and that comes last: jobs may end late.
    await draining;
    const awaited = share.computes.filter(
      ({ name, site }) => this.scope.sites.includes(site) && !drained.includes(name),
    );
    await this.prove(share, await this.waitForNodes(share, awaited, since));
    await choir.go({ reached: ['proved'] });
  }

  /**
   * @returns the frontend's clock before any compute was started, seconds; and the nodes that an
   *   administrator of the cluster has drained, which is no business of ours.
   */
  private async prepareFrontend(
    share: FrontendShare,
  ): Promise<{ since: number; drained: string[] }> {
    const { operation, fresh } = this.scope;
    const frontend = guestOf(operation, share);
    const at = atSite(share.site.name);
    // One that boots for the first time has read it all from its seed.
    if (fresh && this.choir.started.has(share.frontend.name)) {
      return { since: await this.frontendClock(share), drained: [] };
    }
    return this.operation.steps.run('configure', undefined, async () => {
      const { archive } = await control.nodesUpdate({ operation });
      await at.configureNodes({ frontend, archive });
      await at.resumeNodes({ frontend, nodes: share.computes.map(({ name }) => name) });
      const states = await at.nodeStates({ frontend });
      const drained = states.filter((node) => node.phase === 'drained').map((node) => node.name);
      return { since: await at.frontendClock({ frontend }), drained };
    });
  }

  private async frontendClock(share: FrontendShare): Promise<number> {
    const frontend = guestOf(this.scope.operation, share);
    return this.operation.steps.run('configure', undefined, () =>
      atSite(share.site.name).frontendClock({ frontend }),
    );
  }

  /** @returns the nodes that are idle: all, unless a person has left the waiting out. */
  private async waitForNodes(
    share: FrontendShare,
    nodes: FrontendShare['computes'],
    since: number,
  ): Promise<FrontendShare['computes']> {
    if (nodes.length === 0) return [];
    const frontend = guestOf(this.scope.operation, share);
    const { started } = this.choir;
    return this.operation.steps.run(
      'computes',
      undefined,
      async () => {
        await waitingAtSite(share.site.name, nodesDeadlineMs).waitForNodes.executeWithOptions(
          { summary: `${nodes.length} computes install themselves` },
          [
            {
              frontend,
              // A node that was running before need not have booted again.
              nodes: nodes.map(({ name, site }) => ({
                name,
                since: started.has(name) ? since : 0,
                site,
              })),
              timeoutMs: nodesDeadlineMs,
            },
          ],
        );
        return nodes;
      },
      {
        skip: async () => {
          const states = await atSiteSoon(share.site.name).nodeStates({ frontend });
          const idle = states.filter((node) => node.phase === 'idle').map((node) => node.name);
          this.result.missing = nodes
            .filter(({ name }) => !idle.includes(name))
            .map(({ name, site }) => ({
              site,
              kind: 'node',
              name,
              message: `node ${name} at site ${site} did not come up, and was left out`,
            }));
          return nodes.filter(({ name }) => idle.includes(name));
        },
      },
    );
  }

  private async prove(share: FrontendShare, idle: FrontendShare['computes']): Promise<void> {
    const { started } = this.choir;
    const nodes = idle.filter(({ name }) => this.options.prove === 'all' || started.has(name));
    if (nodes.length === 0) return;
    this.result.report = await this.operation.steps.run('verify', undefined, () =>
      provingAtSite(share.site.name).verifyCluster.executeWithOptions(
        { summary: 'job, MPI collective, MTU, round trips' },
        [{ frontend: guestOf(this.scope.operation, share), nodes, mtu: share.mtu }],
      ),
    );
  }
}

/** How the frontend VM is asked. */
export function guestOf(operation: OperationScope['operation'], share: FrontendShare) {
  return {
    site: share.site,
    operation,
    container: share.frontend.container,
    vm: share.frontend.name,
  };
}

/** Where the frontend does not run, be it not yet or no more, there is no job to wait for. */
export async function drainNodes(
  { operation }: OperationScope,
  share: FrontendShare,
  nodes: string[],
): Promise<void> {
  const { site, frontend } = share;
  const seen = await atSite(site.name).describeVms({ site, operation });
  if (!seen.some((vm) => vm.name === frontend.name && vm.power === 'running')) return;
  await waitingAtSite(site.name, drainDeadlineMs).drainNodes.executeWithOptions(
    { summary: `${nodes.length} nodes end their jobs` },
    [{ frontend: guestOf(operation, share), nodes, timeoutMs: drainDeadlineMs }],
  );
}
