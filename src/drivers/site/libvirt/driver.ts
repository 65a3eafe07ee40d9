import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../domain/failure.ts';
import type { Operation } from '../../../domain/mark.ts';
import { physicalFrontend, type HostFacts, type LibvirtSite } from '../../../domain/site.ts';
import type { SiteVerb, SiteVerbInput } from '../../../domain/site-verbs.ts';
import type { VmDefinition } from '../../../domain/vm.ts';
import type { SiteDoor } from '../../../transport/site-door.ts';
import type { SiteDriver, Watch } from '../site-driver.ts';
import { distributeImage } from './image-distribution.ts';

/** Milliseconds for verbs that make disks or wait for QEMU to end, at a loaded host. */
const slowVerbMs = 90_000;
const guestPollMs = 300;

/** A site whose VM containers run libvirt and our program, asked through its door. */
export function createLibvirtDriver(site: LibvirtSite, door: SiteDoor): SiteDriver {
  const containers = site.containers.map((container) => container.name);

  /** Asks an operation's verb. */
  function ask<V extends SiteVerb>(
    host: string,
    verb: V,
    input: SiteVerbInput<V>,
    operation: Operation,
    watch: Watch = {},
    timeoutMs = slowVerbMs,
  ) {
    const { signal } = watch;
    return door.call(host, verb, input, { operation, timeoutMs, ...(signal ? { signal } : {}) });
  }

  async function reserve(
    operation: Operation,
    vms: VmDefinition[],
    leaseUntil: number,
    watch?: Watch,
  ): Promise<void> {
    const had = new Set(await describedNames(operation, vms, watch));
    const answers = await Promise.allSettled(
      byContainer(vms).map(([container, here]) =>
        ask(container, 'vm.reserve', { vms: here, leaseUntil }, operation, watch),
      ),
    );
    const refused = answers.find((answer) => answer.status === 'rejected');
    if (!refused) return;
    // All or none. What was here before this call belongs to an earlier one and stays.
    const fresh = vms.filter((vm) => !had.has(vm.name));
    const left = await takeBack(operation, fresh);
    if (left.length === 0) throw refused.reason;
    throw new Failure(
      refused.reason instanceof Failure ? refused.reason.kind : 'CommandFailed',
      `${messageOf(refused.reason)}; and what was reserved at ${left.join(', ')} could not be taken back: its lease ends it`,
      { ...whereOf(refused.reason), cause: refused.reason },
    );
  }

  async function describedNames(operation: Operation, vms: VmDefinition[], watch?: Watch) {
    const answers = await Promise.all(
      byContainer(vms).map(([container]) => ask(container, 'vm.describe', {}, operation, watch)),
    );
    return answers.flatMap((answer) => answer.vms.map((vm) => vm.name));
  }

  /** Names the containers where that failed. A cancelled caller must not stop it, so it has no signal. */
  async function takeBack(operation: Operation, vms: VmDefinition[]): Promise<string[]> {
    const groups = byContainer(vms);
    const answers = await Promise.allSettled(
      groups.map(([container, here]) =>
        ask(container, 'vm.remove', { names: namesOf(here) }, operation),
      ),
    );
    return groups
      .filter((_, index) => answers[index]?.status === 'rejected')
      .map(([container]) => container);
  }

  return {
    async facts(watch = {}) {
      const { signal } = watch;
      const hosts = await Promise.all(
        [physicalFrontend, ...containers].map(async (host) => {
          const facts = await door.call(host, 'facts', {}, signal ? { signal } : {});
          checkFacts(site, host, facts);
          return facts;
        }),
      );
      return { site: site.name, hosts };
    },

    reserve,

    ensureImage: (image, watch) => distributeImage(site, door, image, watch),

    async ensureVms(operation, vms, watch) {
      await Promise.all(
        byContainer(vms.map(({ vm }) => vm)).map(([container, here]) =>
          ask(
            container,
            'vm.ensure',
            { vms: vms.filter(({ vm }) => here.includes(vm)) },
            operation,
            watch,
          ),
        ),
      );
    },

    async startVms(operation, vms, watch) {
      const answers = await Promise.all(
        byContainer(vms).map(([container, here]) =>
          ask(container, 'vm.start', { names: namesOf(here) }, operation, watch),
        ),
      );
      return answers.flatMap((answer) => answer.started);
    },

    async stopVms(operation, vms, watch) {
      await Promise.all(
        byContainer(vms).map(([container, here]) =>
          ask(container, 'vm.stop', { names: namesOf(here) }, operation, watch),
        ),
      );
    },

    async removeVms(operation, vms, watch) {
      const removals = vms
        ? byContainer(vms).map(([host, here]) => ({ host, input: { names: namesOf(here) } }))
        : containers.map((host) => ({ host, input: {} }));
      await Promise.all(
        removals.map(({ host, input }) => ask(host, 'vm.remove', input, operation, watch)),
      );
    },

    async describeVms(operation, watch) {
      const answers = await Promise.all(
        containers.map((container) => ask(container, 'vm.describe', {}, operation, watch)),
      );
      return answers.flatMap((answer) => answer.vms);
    },

    async listOwned(owner, watch = {}) {
      const { signal } = watch;
      const answers = await Promise.all(
        [physicalFrontend, ...containers].map((host) =>
          door.call(host, 'owned', owner, signal ? { signal } : {}),
        ),
      );
      return answers.flatMap((answer) => answer.things);
    },

    async listOperations(installation, watch = {}) {
      const { signal } = watch;
      const answers = await Promise.all(
        [physicalFrontend, ...containers].map((host) =>
          door.call(host, 'operations', { installation }, signal ? { signal } : {}),
        ),
      );
      return highestOperations(answers.flatMap((answer) => answer.operations));
    },

    async guestRun(operation, vm, { argv, stdin, timeoutMs }, watch = {}) {
      const deadline = Date.now() + timeoutMs;
      const input = stdin === undefined ? {} : { stdin: Buffer.from(stdin).toString('base64') };
      const exec = { name: vm.name, argv, ...input };
      const { pid } = await ask(vm.container, 'guest.exec', exec, operation, watch, 30_000);
      for (;;) {
        const poll = { name: vm.name, pid };
        const state = await ask(vm.container, 'guest.poll', poll, operation, watch, 30_000);
        if (state.exited) {
          return {
            exitCode: state.exitCode ?? -1,
            stdout: decode(state.stdout),
            stderr: decode(state.stderr),
          };
        }
        if (Date.now() > deadline) {
          const where = `in ${vm.name} at site ${site.name}`;
          const message = `${argv[0]} ${where} did not end within ${timeoutMs} ms`;
          throw new Failure('Timeout', message, { host: vm.container });
        }
        await sleep(guestPollMs, undefined, watch.signal ? { signal: watch.signal } : {});
      }
    },

    async console(operation, vm, bytes, watch) {
      const input = { name: vm.name, bytes };
      return (await ask(vm.container, 'vm.console', input, operation, watch)).text;
    },
  };
}

/** One per cluster: hosts that were away may remember an earlier one. */
function highestOperations(operations: Operation[]): Operation[] {
  const highest = new Map<string, Operation>();
  for (const operation of operations) {
    const known = highest.get(operation.mark.clusterId);
    if (!known || known.epoch < operation.epoch) highest.set(operation.mark.clusterId, operation);
  }
  return [...highest.values()];
}

function byContainer(vms: VmDefinition[]): [string, VmDefinition[]][] {
  const names = [...new Set(vms.map((vm) => vm.container))];
  return names.map((name) => [name, vms.filter((vm) => vm.container === name)]);
}

function namesOf(vms: VmDefinition[]): string[] {
  return vms.map((vm) => vm.name);
}

function decode(base64 = ''): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}

/** What a failure says besides its sentence. */
function whereOf(error: unknown): { host?: string; help?: string } {
  if (!(error instanceof Failure)) return {};
  const { host, help } = error;
  return { ...(host === undefined ? {} : { host }), ...(help === undefined ? {} : { help }) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @throws {Failure} Conflict if another host answers than the one asked, or MissingTool. */
function checkFacts(site: LibvirtSite, host: string, facts: HostFacts): void {
  if (facts.host !== host) {
    throw new Failure(
      'Conflict',
      `site ${site.name}: the host registered as ${host} calls itself ${facts.host}`,
      { host, help: 'check the addresses in the registration, or the policy at that host' },
    );
  }
  const [first] = facts.missing;
  if (!first) return;
  const names = facts.missing.map(({ tool, package: name }) => `${tool} (package ${name})`);
  throw new Failure('MissingTool', `site ${site.name}, host ${host} lacks ${names.join(', ')}`, {
    host,
    help: `install there: apt-get install ${facts.missing.map((each) => each.package).join(' ')}`,
  });
}
