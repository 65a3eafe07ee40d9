import { ensureCarrier } from './carrier.ts';
import { inNamespace, ipBatch, keepOnlyAddress, linkNames, macOf } from './namespace.ts';
import { renderGatewayRules } from './nat.ts';
import { carrier, lan, namespaceOf, natOf, wan, type LabMachine, type LabSite } from './plan.ts';
import { run } from './run.ts';

/** The site's LAN and gateway. Its end of the WAN exists already. */
export async function ensureGateway(id: string, site: LabSite): Promise<void> {
  const namespace = namespaceOf(id, site.frontend.name);
  const kind = natOf(site);
  if (kind === 'double') await ensureCarrier(id, site);
  const links = await linkNames(id, namespace);
  const { address, routes } = kind === 'double' ? behindCarrier : onTheWan(site);
  await keepOnlyAddress(id, namespace, wan.interface, address);
  await ipBatch(id, namespace, [
    ...bridgeLines(links, site.frontend.name),
    `addr replace ${lan.gateway}/${lan.prefixLength} dev ${lan.bridge}`,
    `addr replace ${address} dev ${wan.interface}`,
    `link set ${wan.interface} up`,
    ...routes,
  ]);
  await inNamespace(id, namespace, ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  const rules = renderGatewayRules({ kind, changes: site.gatewayChanges ?? 0 });
  await inNamespace(id, namespace, ['nft', '-f', '-'], rules);
}

const behindCarrier = {
  address: `${carrier.siteAddress}/${carrier.prefixLength}`,
  routes: [`route replace ${wan.network} via ${carrier.address}`],
};

function onTheWan(site: LabSite): { address: string; routes: string[] } {
  return { address: `${site.wanAddress}/${wan.prefixLength}`, routes: [] };
}

/** The VM container's place in its site's LAN: its address is on the bridge that its VMs may join. */
export async function ensureLanPlace(
  id: string,
  site: LabSite,
  machine: LabMachine,
): Promise<void> {
  const gateway = namespaceOf(id, site.frontend.name);
  const namespace = namespaceOf(id, machine.name);
  const links = await linkNames(id, namespace);
  if (!links.includes('eth0')) {
    const port = machine.container ?? '';
    await ipBatch(id, gateway, [
      `link add ${port} type veth peer name eth0 netns ${namespace}`,
      `link set ${port} master ${lan.bridge} up`,
    ]);
  }
  await ipBatch(id, namespace, [
    ...bridgeLines(links, machine.name),
    `link set eth0 master ${lan.bridge} up`,
    `addr replace ${machine.lanAddress}/${lan.prefixLength} dev ${lan.bridge}`,
    `route replace default via ${lan.gateway}`,
  ]);
}

/** Removes what programs added to the machine's network since its start, as a reboot does. */
export async function forgetRuntimeNetwork(
  id: string,
  machine: LabMachine,
  keep: string[],
): Promise<void> {
  const namespace = namespaceOf(id, machine.name);
  const extra = async () => (await linkNames(id, namespace)).find((name) => !keep.includes(name));
  // Looked at anew each time: of a pair of interfaces the second goes with the first.
  for (let name = await extra(); name !== undefined; name = await extra()) {
    await run(id, ['ip', '-n', namespace, 'link', 'del', name]);
  }
  await inNamespace(id, namespace, ['nft', 'flush', 'ruleset']);
}

function bridgeLines(links: string[], machine: string): string[] {
  const create = links.includes(lan.bridge)
    ? []
    : // A fixed address: else the bridge would change its own whenever a VM joins or leaves.
      [`link add ${lan.bridge} address ${macOf(machine)} type bridge forward_delay 0`];
  return [...create, `link set ${lan.bridge} up`];
}
