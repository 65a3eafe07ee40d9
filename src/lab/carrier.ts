import { renderCarrierRules } from './nat.ts';
import { inNamespace, ipBatch, keepOnlyAddress, linkNames, namespaceExists } from './namespace.ts';
import { carrier, carrierOf, namespaceOf, wan, type LabSite } from './plan.ts';
import { run } from './run.ts';

/** The second NAT of a site, between its gateway and the WAN. Its namespace and its end of the WAN exist already. */
export async function ensureCarrier(id: string, site: LabSite): Promise<void> {
  const namespace = namespaceOf(id, carrierOf(site));
  const address = `${site.wanAddress}/${wan.prefixLength}`;
  await keepOnlyAddress(id, namespace, wan.interface, address);
  const gateway = namespaceOf(id, site.frontend.name);
  const wired = (await linkNames(id, namespace)).includes(carrier.interface);
  const wire = `link add ${carrier.interface} type veth peer name ${wan.interface} netns ${gateway}`;
  await ipBatch(id, namespace, [
    ...(wired ? [] : [wire]),
    `addr replace ${carrier.address}/${carrier.prefixLength} dev ${carrier.interface}`,
    `link set ${carrier.interface} up`,
    `addr replace ${address} dev ${wan.interface}`,
    `link set ${wan.interface} up`,
  ]);
  await inNamespace(id, namespace, ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  const rules = renderCarrierRules(site.gatewayChanges ?? 0);
  await inNamespace(id, namespace, ['nft', '-f', '-'], rules);
}

/** Leaves the gateway without an interface on the WAN. */
export async function removeCarrier(id: string, site: LabSite): Promise<void> {
  if (!namespaceExists(id, carrierOf(site))) return;
  const gateway = namespaceOf(id, site.frontend.name);
  const links = await linkNames(id, gateway);
  // Its other end would stay as long as a program holds the carrier's namespace.
  if (links.includes(wan.interface))
    await run(id, ['ip', '-n', gateway, 'link', 'del', wan.interface]);
  await run(id, ['ip', 'netns', 'del', namespaceOf(id, carrierOf(site))]);
}
