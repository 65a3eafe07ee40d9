import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../../domain/failure.ts';
import type { Operation } from '../../../domain/mark.ts';
import { physicalFrontend, type HostFacts, type MemorySite } from '../../../domain/site.ts';
import type { VmDefinition } from '../../../domain/vm.ts';
import { namingHost } from '../../../transport/at-host.ts';
import { domainUuid } from '../domain-uuid.ts';
import {
  foundDomain,
  isMarked,
  planReservation,
  renewedLease,
  sum,
  type Capacity,
  type Marked,
} from '../reservation.ts';
import type { SiteDriver, Watch } from '../site-driver.ts';
import { seedFrontend } from './frontend-nodes.ts';
import { isUp, runProgram } from './guest.ts';
import type { MemoryWorld, WorldChange } from './memory-world.ts';
import type { MemoryDomain, MemorySiteState } from './world-state.ts';

/** A site that exists in memory, with the semantics of a true one. */
export function createMemorySiteDriver(site: MemorySite, world: MemoryWorld): SiteDriver {
  const { name, delayMs } = site;

  const look = <T>(
    verb: keyof SiteDriver,
    operation: Operation | undefined,
    watch: Watch | undefined,
    action: (change: WorldChange) => T,
  ) =>
    world.call(
      { site: name, verb, delayMs, watch, changes: false, ...(operation ? { operation } : {}) },
      action,
    );
  const change = <T>(
    verb: keyof SiteDriver,
    operation: Operation,
    watch: Watch | undefined,
    action: (change: WorldChange) => T,
  ) => world.call({ site: name, verb, delayMs, watch, changes: true, operation }, action);

  return {
    facts: (watch) =>
      look('facts', undefined, watch, ({ site: state }) => ({
        site: name,
        hosts: [
          hostFacts(physicalFrontend, []),
          ...site.containers.map((container) => {
            const domains = domainsAt(state, container.name);
            return {
              ...hostFacts(container.name, domains),
              capacity: capacityOf(site, container.name, domains),
            };
          }),
        ],
      })),

    reserve: (operation, vms, leaseUntil, watch) =>
      change('reserve', operation, watch, (at) => {
        for (const container of new Set(vms.map((vm) => vm.container))) {
          const here = vms.filter((vm) => vm.container === container);
          reserveAt(site, operation, container, here, leaseUntil, at);
        }
      }),

    ensureImage: (image, watch) =>
      look('ensureImage', undefined, watch, ({ site: state, tell }) => {
        for (const { name: container } of site.containers) {
          const images = (state.images[container] ??= []);
          if (images.includes(image.digest)) continue;
          images.push(image.digest);
          tell('image', '', container);
        }
        watch?.progress?.({ bytes: image.size, of: image.size });
        return undefined;
      }),

    ensureVms: (operation, vms, watch) =>
      change('ensureVms', operation, watch, ({ site: state, world: all, tell }) => {
        for (const { vm } of vms) {
          const domain = findVm(state, operation, vm.name);
          if (domain.power === 'running') continue;
          if (!state.images[vm.container]?.includes(vm.image)) {
            throw new Failure('NotFound', `the image of ${vm.name} is not at ${vm.container}`, {
              host: vm.container,
            });
          }
          define(domain, vm, tell);
          if (vm.role === 'frontend') seedFrontend(all, operation);
          if (!domain.mark.complete) tell('complete', operation.mark.clusterId, vm.name);
          domain.mark.complete = true;
        }
      }),

    startVms: (operation, vms, watch) =>
      change('startVms', operation, watch, ({ site: state, tell }) => {
        const wanted = vms.map((vm) => findVm(state, operation, vm.name));
        const off = wanted.filter((domain) => domain.power !== 'running');
        for (const domain of off) {
          if (!domain.mark.complete) {
            throw new Failure('CommandFailed', `${domain.name} has no disks yet`, {
              host: domain.container,
            });
          }
          domain.power = 'running';
          domain.mark.booted = true;
          domain.mark.startedAt = Date.now();
          tell('start', operation.mark.clusterId, domain.mark.vm);
        }
        return off.map((domain) => domain.mark.vm);
      }),

    stopVms: (operation, vms, watch) =>
      change('stopVms', operation, watch, ({ site: state, tell }) => {
        for (const domain of ownDomains(state, operation)) {
          const meant = vms.some((vm) => vm.name === domain.mark.vm);
          if (!meant || domain.power !== 'running') continue;
          domain.power = 'off';
          tell('stop', operation.mark.clusterId, domain.mark.vm);
        }
      }),

    removeVms: (operation, vms, watch) =>
      change('removeVms', operation, watch, ({ site: state, tell }) => {
        const gone = ownDomains(state, operation).filter(
          (domain) => !vms || vms.some((vm) => vm.name === domain.mark.vm),
        );
        state.domains = state.domains.filter((domain) => !gone.some((each) => each === domain));
        for (const domain of gone) tell('remove', operation.mark.clusterId, domain.mark.vm);
      }),

    describeVms: (operation, watch) =>
      look('describeVms', operation, watch, ({ site: state }) =>
        ownDomains(state, operation).map((domain) => ({
          name: domain.mark.vm,
          domain: domain.name,
          container: domain.container,
          power: domain.power,
          booted: domain.mark.booted,
        })),
      ),

    listOwned: (owner, watch) =>
      look('listOwned', undefined, watch, ({ site: state }) =>
        everythingMarked(state).filter(
          (thing) =>
            thing.installation === owner.installation &&
            (owner.clusterId === undefined || thing.clusterId === owner.clusterId),
        ),
      ),

    listOperations: (installation, watch) =>
      look('listOperations', undefined, watch, ({ site: state }) =>
        Object.values(state.operations).filter(({ mark }) => mark.installation === installation),
      ),

    guestRun: (operation, vm, run, watch) =>
      look('guestRun', operation, watch, ({ site: state, world: all, tell }) => {
        const domain = findVm(state, operation, vm.name);
        const { mark } = operation;
        const powerOff = () => {
          domain.power = 'off';
          tell('stop', mark.clusterId, vm.name);
        };
        const view = { world: all, mark, bootDelayMs: world.bootDelayMs, powerOff };
        if (!isUp(view, domain)) {
          throw new Failure('Unreachable', `the guest agent of ${vm.name} does not answer`, {
            host: domain.container,
          });
        }
        return runProgram(view, run.argv, run.stdin ?? '');
      }),

    console: (operation, vm, bytes, watch) =>
      look('console', operation, watch, ({ site: state }) => {
        const domain = findVm(state, operation, vm.name);
        return `${domain.name} at site ${name} is ${domain.power}\n`.slice(-bytes);
      }),
  };
}

function reserveAt(
  site: MemorySite,
  operation: Operation,
  container: string,
  vms: VmDefinition[],
  leaseUntil: number,
  { site: state, tell }: WorldChange,
): void {
  const domains = domainsAt(state, container);
  const capacity = capacityOf(site, container, domains);
  const plan = planAt(container, () =>
    planReservation(operation, vms, domains, capacity, Math.floor(Date.now() / 1000)),
  );
  for (const domain of plan.evict) {
    state.domains = state.domains.filter((each) => each !== domain);
    tell('release', domain.mark.mark.clusterId, domain.mark.vm);
  }
  for (const { vm, domain } of plan.vms) {
    if (!domain) {
      state.domains.push(newDomain(operation, vm, leaseUntil));
      tell('reserve', operation.mark.clusterId, vm.name);
    } else if (domain.power !== 'running') {
      define(domain, vm, tell);
      renew(domain, renewedLease(domain, leaseUntil), tell);
    }
  }
}

function renew(domain: Marked<MemoryDomain>, leaseUntil: number, tell: WorldChange['tell']): void {
  if (domain.mark.leaseUntil === leaseUntil) return;
  domain.mark.leaseUntil = leaseUntil;
  tell('renew', domain.mark.mark.clusterId, domain.mark.vm);
}

/** A failure of planning names the VM container. */
function planAt<T>(container: string, plan: () => T): T {
  try {
    return plan();
  } catch (error) {
    throw namingHost(error, container);
  }
}

function newDomain(operation: Operation, vm: VmDefinition, leaseUntil: number): MemoryDomain {
  return {
    ...shapeOf(vm),
    container: vm.container,
    uuid: domainUuid(operation.mark, vm.name),
    power: 'off',
    mark: {
      mark: operation.mark,
      vm: vm.name,
      image: vm.image,
      leaseUntil,
      booted: false,
      definition: vm,
      complete: false,
    },
  };
}

function define(domain: Marked<MemoryDomain>, vm: VmDefinition, tell: WorldChange['tell']): void {
  if (isDeepStrictEqual(domain.mark.definition, vm)) return;
  tell('define', domain.mark.mark.clusterId, domain.mark.vm);
  Object.assign(domain, shapeOf(vm));
  Object.assign(domain.mark, { definition: vm, image: vm.image });
}

function shapeOf(vm: VmDefinition) {
  return {
    name: vm.domain,
    cpus: vm.cpus,
    memoryMiB: vm.memoryMiB,
    macs: [vm.mac, ...(vm.siteInterface ? [vm.siteInterface.mac] : [])],
  };
}

function domainsAt(state: MemorySiteState, container: string): MemoryDomain[] {
  return state.domains.filter((domain) => domain.container === container);
}

function ownDomains(state: MemorySiteState, operation: Operation): Marked<MemoryDomain>[] {
  return state.domains.filter((domain) => isMarked(domain, operation.mark));
}

function findVm(state: MemorySiteState, operation: Operation, vm: string): Marked<MemoryDomain> {
  const found = ownDomains(state, operation).find((domain) => domain.mark.vm === vm);
  if (found) return found;
  throw new Failure('NotFound', `this site has no VM ${vm} of cluster ${operation.mark.cluster}`, {
    help: 'its reservation may have run out: reserve it again',
  });
}

function capacityOf(site: MemorySite, container: string, domains: MemoryDomain[]): Capacity {
  const found = site.containers.find((each) => each.name === container);
  if (!found) {
    throw new Failure('NotFound', `site ${site.name} has no VM container ${container}`, {
      host: container,
    });
  }
  return {
    virtualization: 'kvm',
    cpus: found.cpus,
    memoryMiB: found.memoryMiB,
    committedCpus: sum(domains, (domain) => domain.cpus),
    committedMiB: sum(domains, (domain) => domain.memoryMiB),
    poolFreeMiB: 1_000_000,
  };
}

function hostFacts(host: string, domains: MemoryDomain[]): HostFacts {
  return {
    host,
    // Whatever is sealed to it stays sealed: a memory VM reads no seed.
    sealKey: createHash('sha256').update(host).digest('base64'),
    tools: { memory: '1.0' },
    missing: [],
    domains: domains.map((domain) => foundDomain(domain, Math.floor(Date.now() / 1000))),
  };
}

function everythingMarked(state: MemorySiteState) {
  const vms = state.domains.flatMap(({ container, name, mark }) =>
    mark ? [{ host: container, kind: 'vm' as const, name, ...mark.mark }] : [],
  );
  const edges = state.edges.map(({ edge, mark }) => ({
    host: edge.container,
    kind: 'interface' as const,
    name: edge.tap,
    ...mark,
  }));
  const supernodes = state.supernodes.map((mark) => ({
    host: physicalFrontend,
    kind: 'service' as const,
    name: `supernode-${mark.clusterId}`,
    ...mark,
  }));
  return [...vms, ...edges, ...supernodes];
}
