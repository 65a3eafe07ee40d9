import type { Operation } from '../../../src/domain/mark.ts';
import { physicalFrontend, type HostFacts } from '../../../src/domain/site.ts';
import { siteVerbs, type SiteVerb, type SiteVerbInput } from '../../../src/domain/site-verbs.ts';
import type { LibvirtHost } from '../../../src/drivers/site/libvirt/host.ts';
import { checkFence, listFences, raiseFence } from '../../../src/site/fence.ts';
import type { SiteDoor } from '../../../src/transport/site-door.ts';

/** A VM container that the door leads to. */
export interface DoorHost {
  host: LibvirtHost;
  pool: string;
  sealKey: string;
}

type Handler = (host: DoorHost, input: never, operation: Operation) => Promise<unknown>;

const changing: { [verb: string]: Handler } = {
  'vm.reserve': ({ host }, { vms, leaseUntil }, operation) =>
    host.reserve(operation, vms, leaseUntil),
  'vm.ensure': ({ host }, { vms }, operation) => host.ensure(operation, vms),
  'vm.start': async ({ host }, { names }, operation) => ({
    started: await host.start(operation, names),
  }),
  'vm.stop': ({ host }, { names }, operation) => host.stop(operation, names),
  'vm.remove': ({ host }, { names }, operation) => host.remove(operation, names),
};

const looking: { [verb: string]: Handler } = {
  'vm.describe': async ({ host }, _input, operation) => ({ vms: await host.describe(operation) }),
  'vm.console': async ({ host }, { name, bytes }, operation) => ({
    text: await host.console(operation, name, bytes),
  }),
  'guest.exec': ({ host }, { name, argv, stdin }: SiteVerbInput<'guest.exec'>, operation) =>
    host.guestExec(operation, name, { argv, stdin }),
  'guest.poll': ({ host }, { name, pid }, operation) => host.guestPoll(operation, name, pid),
};

/** Calls the functions of the hosts, checked and fenced as `mvc-site` does it, without ssh. */
export function createHostDoor(hosts: Record<string, DoorHost>): SiteDoor {
  const locks = new Map<string, Promise<unknown>>();
  return {
    async call(name, verb, input, options = {}) {
      const checked = siteVerbs[verb].input.parse(input);
      const answer = await serve(name, verb, checked as never, options.operation);
      return siteVerbs[verb].output.parse(answer ?? {}) as never;
    },
  };

  async function serve(name: string, verb: SiteVerb, input: never, operation?: Operation) {
    if (verb === 'image.state') return { complete: true, chunks: [], fetching: false };
    if (verb.startsWith('image.')) return {};
    const host = hosts[name];
    if (verb === 'facts') return factsOf(name, host);
    if (verb === 'operations') return { operations: await operationsAt(host, input) };
    if (verb === 'owned') return { things: host ? await host.host.owned(input) : [] };
    if (!host || !operation) throw new Error(`${verb} at ${name} needs a VM container`);
    await checkFence(host.pool, operation);
    const look = looking[verb];
    if (look) return look(host, input, operation);
    const change = changing[verb];
    if (!change) throw new Error(`${verb} is not known here`);
    const turn = (locks.get(name) ?? Promise.resolve()).then(async () => {
      await raiseFence(host.pool, operation);
      return change(host, input, operation);
    });
    locks.set(
      name,
      turn.catch(() => undefined),
    );
    return turn;
  }
}

async function operationsAt(
  host: DoorHost | undefined,
  { installation }: SiteVerbInput<'operations'>,
): Promise<Operation[]> {
  return host ? listFences(host.pool, installation) : [];
}

async function factsOf(name: string, host: DoorHost | undefined): Promise<HostFacts> {
  const common = { host: name, tools: {}, missing: [] };
  if (!host) return { ...common, host: physicalFrontend, sealKey: '', domains: [] };
  const [capacity, domains] = await Promise.all([host.host.capacity(), host.host.domains()]);
  return { ...common, sealKey: host.sealKey, capacity, domains };
}
