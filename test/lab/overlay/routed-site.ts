import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../../../src/domain/mark.ts';
import type { Edge, OverlayTable, Path, Peer } from '../../../src/domain/overlay.ts';
import { createForwardHost } from '../../../src/drivers/overlay/routed/forward-host.ts';
import { createContainerHost } from '../../../src/drivers/overlay/container-host.ts';
import { ensureLinkKey } from '../../../src/drivers/overlay/routed/link-key.ts';
import { forwardsFor, orderFor } from '../../../src/drivers/overlay/routed/order.ts';
import { namespaceName, plugVm, sh, startHost, until, type TestHost } from './hosts.ts';
import { key, operation, policy, startN2nSite } from './n2n-site.ts';
import { becomeMvcSite, programsAt, tools } from './programs.ts';
import { mtu, routedEdge, routedTable } from './routed-table.ts';

/**
 * Two VM containers on a LAN behind a frontend that hands on what comes from outside, a machine of that LAN
 * that has no part in the overlay, and a container of another site outside. Their VMs are namespaces.
 */
export interface RoutedSite {
  frontend: TestHost;
  c1: TestHost;
  c2: TestHost;
  c3: TestHost;
  /** Namespace of a machine on the LAN. */
  stranger: string;
  /** Networks outside that the containers' policies allow; none at first. */
  allowed: string[];
  /** `c3` is the other site's. */
  tableOf(vms: Record<'c1' | 'c2' | 'c3', number[]>): OverlayTable;
  /** @param of another cluster's operation than that of all these tests. */
  apply(table: OverlayTable, key?: string, of?: Operation): Promise<void>;
  /** Makes the VMs of the table that are not there yet. */
  plug(table: OverlayTable): Promise<void>;
  unplug(vm: string): Promise<void>;
  /** Plugs the VMs of a host into its bridges that were made anew. */
  replug(host: TestHost, table: OverlayTable): Promise<void>;
  host(edge: Edge): TestHost;
  /** Until each container has heard all the others. */
  joined(): Promise<void>;
  paths(host: TestHost): Promise<Path[]>;
  pids(host: TestHost): Promise<Map<string, number>>;
  stop(): Promise<void>;
}

const siteOf = (container: string) => (container === 'c3' ? 'there' : 'here');
/** The namespace that stands for a VM. */
export const vmNamespace = namespaceName;

export async function startRoutedSite(): Promise<RoutedSite> {
  const directory = await becomeMvcSite();
  const lan = await startN2nSite(tools);
  const { frontend, c1, c2 } = lan;
  const c3 = await startHost(namespaceName('c3'), tools);
  const stranger = namespaceName('lan');
  const containers = { c1, c2, c3 };
  const plugged = new Map<string, string>();
  const poolOf = (host: TestHost) => join(host.directory, 'pool');
  const routed = (host: TestHost) =>
    createContainerHost({
      ...host,
      policy: { ...policy, pool: poolOf(host), outside: site.allowed },
    });

  await joinWan(frontend, c3);
  await addStranger(frontend, stranger);
  const peers = await Promise.all(
    Object.entries(containers).map(async ([container, host], index) => {
      mkdirSync(poolOf(host), { recursive: true });
      return peerOf(container, index + 1, (await ensureLinkKey(poolOf(host))).public);
    }),
  );

  async function plugOne(edge: Edge): Promise<void> {
    const host = containers[edge.container as 'c1'];
    const name = vmNamespace(edge.vm);
    plugged.set(edge.vm, name);
    await until(15, `the bridge of ${edge.vm}`, () => hasLink(host, edge.bridge));
    await plugVm(host, { ...edge, name, mtu });
  }
  async function unplug(vm: string): Promise<void> {
    plugged.delete(vm);
    await sh(`ip netns delete ${vmNamespace(vm)}`);
  }

  const site: RoutedSite = {
    frontend,
    c1,
    c2,
    c3,
    stranger,
    allowed: [],
    tableOf: (vms) =>
      routedTable(
        Object.entries(vms).flatMap(([container, numbers]) =>
          numbers.map((number) => routedEdge(number, container, siteOf(container))),
        ),
        peers,
      ),
    async apply(table, overlayKey = key, of = operation) {
      const forwards = createForwardHost({ ...frontend, policy });
      await forwards.apply(of, forwardsFor(table, 'here'));
      for (const [container, host] of Object.entries(containers)) {
        const order = orderFor(table, siteOf(container), container);
        if (order) await routed(host).apply(of, order, overlayKey);
        else await routed(host).remove(of);
      }
    },
    async plug(table) {
      for (const edge of table.edges) if (!plugged.has(edge.vm)) await plugOne(edge);
    },
    unplug,
    async replug(host, table) {
      for (const edge of table.edges) {
        if (site.host(edge) !== host) continue;
        await until(30, `the bridge of ${edge.vm}`, () => hasLink(host, edge.bridge));
        await sh(`ip -n ${host.name} link set p-${vmNamespace(edge.vm)} master ${edge.bridge} up`);
      }
    },
    host: ({ container }) => containers[container as 'c1'],
    async joined() {
      for (const host of Object.values(containers)) {
        await until(40, `the VMs of ${host.name} have joined`, async () => {
          const { edges, paths } = await routed(host).describe(operation);
          const up = edges.every((each) => each.up && each.registered);
          return up && paths.every((path) => path.class !== 'down');
        });
      }
    },
    paths: async (host) => (await routed(host).describe(operation)).paths,
    async pids(host) {
      return new Map((await programsAt(host)).map(({ name, pid }) => [name, pid]));
    },
    async stop() {
      for (const vm of plugged.keys()) await unplug(vm);
      for (const host of Object.values(containers)) await routed(host).remove(operation);
      await createForwardHost({ ...frontend, policy }).remove(operation);
      await sh(`ip netns delete ${stranger}`);
      await c3.stop();
      await lan.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return site;
}

function peerOf(container: string, number: number, publicKey: string): Omit<Peer, 'vms'> {
  const outside = container === 'c3';
  const publicAddress = outside ? '198.51.100.9' : '198.51.100.1';
  return {
    number,
    site: siteOf(container),
    container,
    publicKey,
    lanAddress: outside ? publicAddress : `192.168.10.1${number}`,
    publicAddress,
    inbound: true,
    port: 7700 + number,
    ...(container === 'c1' ? { relayPort: 7711 } : {}),
  };
}

async function joinWan(frontend: TestHost, c3: TestHost): Promise<void> {
  await frontend.run(`ip link add wan0 type veth peer name eth0 netns ${c3.name}`);
  await frontend.run('ip link set wan0 up');
  await frontend.run('ip route add 198.51.100.9/32 dev wan0');
  await frontend.run('nft add table ip nat');
  await frontend.run('nft add chain ip nat post { type nat hook postrouting priority 100 ; }');
  await frontend.run('nft add rule ip nat post oifname wan0 snat to 198.51.100.1');
  await c3.run('ip addr add 198.51.100.9/24 dev eth0');
  await c3.run('ip link set eth0 up');
}

async function addStranger(frontend: TestHost, name: string): Promise<void> {
  await sh(`ip netns add ${name}`);
  await frontend.run(`ip link add h9 type veth peer name eth0 netns ${name}`);
  await frontend.run('ip link set h9 master lan0 up');
  await sh(`ip -n ${name} addr add 192.168.10.50/24 dev eth0`);
  await sh(`ip -n ${name} link set eth0 up`);
  await sh(`ip -n ${name} route add default via 192.168.10.1`);
}

async function hasLink(host: TestHost, link: string): Promise<boolean> {
  return (await host.shell.run(['ip', 'link', 'show', 'dev', link])).exitCode === 0;
}
