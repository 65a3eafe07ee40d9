import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { Failure, parseInput } from '../../domain/failure.ts';
import type { Operation } from '../../domain/mark.ts';
import { nodeStateSchema, verifyReportSchema, type VerifyReport } from '../../domain/cluster.ts';
import type { Sealed } from '../../domain/sealed.ts';
import type { Site } from '../../domain/site.ts';
import { phaseOfNode, type VmAtPhase, type VmPhase } from '../../domain/heartbeat.ts';
import type { SeenVm, VmDefinition } from '../../domain/vm.ts';
import type { Watch } from '../../drivers/site/site-driver.ts';
import { activity } from '../activity.ts';
import type { SiteDrivers } from './drivers.ts';
import { runInGuest, type GuestAddress } from './guest.ts';
import { shutDown } from './shut-down.ts';
import { someOf } from './some-of.ts';

export interface AwaitedNode {
  name: string;
  /** Frontend's clock, seconds: only a boot that began later counts. 0: any. */
  since: number;
  /** Where it is, for whoever watches. Absent in operations that began before this was told. */
  site?: string;
}

/** Each look costs an emulated frontend half a second of its cpu. */
const pollEveryMs = 1_500;

/** Activities about VMs and what runs in them. */
export function createVmActivities(drivers: SiteDrivers) {
  return {
    async reserveVms(input: {
      site: Site;
      operation: Operation;
      vms: VmDefinition[];
      leaseSeconds: number;
    }): Promise<void> {
      const leaseUntil = Math.floor(Date.now() / 1000) + input.leaseSeconds;
      return activity((watch) =>
        drivers.site(input.site).reserve(input.operation, input.vms, leaseUntil, watch),
      );
    },

    async ensureVms(input: {
      site: Site;
      operation: Operation;
      vms: { vm: VmDefinition; seed: Sealed }[];
    }): Promise<void> {
      return activity((watch) => {
        const vms = input.vms.map(({ vm }) => vm);
        watch.progress({ vms: allAt('disk', input.site, vms) });
        return drivers.site(input.site).ensureVms(input.operation, input.vms, watch);
      });
    },

    /** Returns the names of the VMs that were started now. */
    async startVms(input: {
      site: Site;
      operation: Operation;
      vms: VmDefinition[];
    }): Promise<string[]> {
      return activity((watch) => {
        watch.progress({ vms: allAt('power', input.site, input.vms) });
        return drivers.site(input.site).startVms(input.operation, input.vms, watch);
      });
    },

    /** Cuts the power of those that run. */
    async stopVms(input: { site: Site; operation: Operation; vms: VmDefinition[] }): Promise<void> {
      return activity((watch) =>
        drivers.site(input.site).stopVms(input.operation, input.vms, watch),
      );
    },

    /**
     * Lets the VM's system shut down, and waits until the VM is off. One that is not by then, or that does
     * not listen, has its power cut. A VM that is off or absent is no error.
     */
    async shutDownVm(input: {
      guest: GuestAddress;
      vm: VmDefinition;
      timeoutMs: number;
    }): Promise<void> {
      return activity((watch) => shutDown(drivers, input, watch));
    },

    /** Removes these VMs with disks and seeds; all of the cluster's at the site if none are named. */
    async removeVms(input: {
      site: Site;
      operation: Operation;
      vms?: VmDefinition[];
    }): Promise<void> {
      return activity((watch) =>
        drivers.site(input.site).removeVms(input.operation, input.vms, watch),
      );
    },

    /** The cluster's VMs as the site sees them. */
    async describeVms(input: { site: Site; operation: Operation }): Promise<SeenVm[]> {
      return activity((watch) => drivers.site(input.site).describeVms(input.operation, watch));
    },

    /** Waits until scheduler, DHCP, DNS and HTTP of the frontend answer from inside. */
    async waitForFrontend(input: { frontend: GuestAddress; timeoutMs: number }): Promise<void> {
      return activity(async (watch) => {
        const deadline = Date.now() + input.timeoutMs;
        for (;;) {
          const missing = await missingAtFrontend(drivers, input.frontend, watch);
          if (missing === undefined) return;
          // Its disk holds all that it needs: it asks nobody for an address or a kernel.
          const phase = missing === silent ? 'kernel' : 'services';
          const { vm: name, site } = input.frontend;
          watch.progress({ note: missing, vms: [{ name, site: site.name, phase }] });
          if (Date.now() > deadline) {
            throw new Failure(
              'Timeout',
              `frontend VM did not become ready in ${input.timeoutMs / 1000} s: ${missing}`,
              {
                help: "`mvc create` again goes on from here; the VM's console at its site may tell more",
              },
            );
          }
          await sleep(pollEveryMs, undefined, { signal: watch.signal });
        }
      });
    },

    /** The frontend's clock, seconds since 1970: what happens later belongs to what is done now. */
    async frontendClock(input: { frontend: GuestAddress }): Promise<number> {
      return activity(async (watch) =>
        Number(
          (await runInGuest(drivers, input.frontend, ['/usr/lib/mvc/clock'], {}, watch)).trim(),
        ),
      );
    },

    /** Waits until each node is idle in the scheduler since the boot that is meant. */
    async waitForNodes(input: {
      frontend: GuestAddress;
      nodes: AwaitedNode[];
      timeoutMs: number;
    }): Promise<void> {
      return activity(async (watch) => {
        const deadline = Date.now() + input.timeoutMs;
        for (;;) {
          const { waiting, vms } = await lookAtNodes(drivers, input, watch);
          if (waiting.length === 0) return;
          const note = `${input.nodes.length - waiting.length} of ${input.nodes.length} nodes idle; waiting for ${waiting.slice(0, 5).join(', ')}`;
          watch.progress({ note, vms });
          if (Date.now() > deadline) {
            throw new Failure(
              'Timeout',
              `not all nodes became idle in ${input.timeoutMs / 1000} s: ${note}`,
              {
                help: '`mvc create` again goes on from here; the consoles of those VMs may tell more',
              },
            );
          }
          await sleep(pollEveryMs, undefined, { signal: watch.signal });
        }
      });
    },

    /** Runs the proof: a job on every node, an MPI collective over all sites, MTU, round-trip times. */
    async verifyCluster(input: {
      frontend: GuestAddress;
      nodes: { name: string; site: string }[];
      mtu: number;
    }): Promise<VerifyReport> {
      return activity(async (watch) => {
        watch.progress({ note: proofNote(input.nodes) });
        const request = { nodes: input.nodes, mtu: input.mtu, interface: 'eth0' };
        const output = await runInGuest(
          drivers,
          input.frontend,
          ['/usr/lib/mvc/verify'],
          { stdin: JSON.stringify(request), timeoutMs: 300_000 },
          watch,
        );
        const report = parseInput(
          verifyReportSchema,
          JSON.parse(output),
          'the report of the verify program',
        );
        checkCollective(report, input.nodes);
        return report;
      });
    },
  };
}

/** What the proof is about, for whoever waits for it. */
function proofNote(nodes: { name: string; site: string }[]): string {
  const sites = new Set(nodes.map(({ site }) => site)).size;
  const where = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}, ${sites} ${sites === 1 ? 'site' : 'sites'}`;
  const names = nodes.map(({ name }) => name);
  return `a job and an MPI collective on ${where} (${someOf(names)}), packet size, round trips`;
}

/** The program in the VM has checked the same; but its word alone is not proof enough. */
function checkCollective(report: VerifyReport, nodes: { name: string; site: string }[]): void {
  // A node that is full of jobs has proved that it takes jobs.
  const proved = [...report.mpi.nodes, ...(report.busy ?? [])];
  const reached = new Set(
    nodes.filter((node) => proved.includes(node.name)).map((node) => node.site),
  );
  const without = nodes.find((node) => !reached.has(node.site));
  if (without) {
    throw new Failure('CommandFailed', `no rank of the MPI collective ran at site ${without.site}`);
  }
  if (report.mpi.sum !== report.mpi.expectedSum) {
    throw new Failure(
      'CommandFailed',
      `the MPI collective gave ${report.mpi.sum} instead of ${report.mpi.expectedSum}`,
    );
  }
}

/** Said of a frontend whose agent does not answer yet. */
const silent = 'the VM boots';

function allAt(phase: VmPhase, site: Site, vms: VmDefinition[]): VmAtPhase[] {
  return vms.map(({ name }) => ({ name, site: site.name, phase }));
}

/** A sentence on what is missing, or undefined when the frontend is ready. */
async function missingAtFrontend(
  drivers: SiteDrivers,
  guest: GuestAddress,
  watch: Watch,
): Promise<string | undefined> {
  const vm = { container: guest.container, name: guest.vm };
  const run = { argv: ['/usr/lib/mvc/frontend-ready'], timeoutMs: 20_000 };
  try {
    const result = await drivers.site(guest.site).guestRun(guest.operation, vm, run, watch);
    return result.exitCode === 0 ? undefined : result.stdout.trim() || 'not ready yet';
  } catch (error) {
    // Until the guest has booted its agent does not answer: that is waiting, not failing.
    if (error instanceof Failure && error.retryable) return silent;
    throw error;
  }
}

/** Which nodes are not idle yet, each with the frontend's word for it; and how far all of them are. */
async function lookAtNodes(
  drivers: SiteDrivers,
  input: { frontend: GuestAddress; nodes: AwaitedNode[] },
  watch: Watch,
): Promise<{ waiting: string[]; vms: VmAtPhase[] }> {
  const output = await runInGuest(
    drivers,
    input.frontend,
    ['/usr/lib/mvc/node-states'],
    {},
    watch,
  ).catch((error: unknown) => {
    if (error instanceof Failure && error.retryable) return '[]';
    throw error;
  });
  const states = parseInput(
    z.array(nodeStateSchema),
    JSON.parse(output),
    'the list of node states',
  );
  const stateOf = new Map(states.map((state) => [state.name, state]));
  const nodes = input.nodes.map(({ name, since, site }) => {
    const state = stateOf.get(name);
    return { name, site, word: state?.phase ?? 'unknown', phase: phaseOfNode(state, since) };
  });
  return {
    waiting: nodes.flatMap(({ name, word, phase }) =>
      phase === 'idle' ? [] : [`${name} (${word})`],
    ),
    vms: nodes.flatMap(({ name, site, phase }) =>
      site === undefined ? [] : [{ name, site, phase }],
    ),
  };
}
