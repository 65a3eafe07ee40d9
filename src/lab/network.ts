import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { lan, namespaceOf, udpPorts, wan, type LabMachine, type LabSite } from './plan.ts';
import { run, succeeds } from './run.ts';

/**
 * A site's gateway: lets the LAN out under the site's own address, lets nothing in but ssh and the overlays'
 * UDP ports at the gateway itself. What is not wanted is dropped without an answer: a refusal would leave a
 * connection-tracking entry that keeps a NAT from giving an outgoing flow its own port.
 */
const gatewayRules = `
add table ip lab
delete table ip lab
table ip lab {
  chain leaving {
    type nat hook postrouting priority srcnat;
    oifname "${wan.interface}" ip saddr ${lan.gateway}/${lan.prefixLength} masquerade
  }
  chain arriving {
    type filter hook input priority filter;
    iifname != "${wan.interface}" accept
    ct state established,related accept
    ip protocol icmp accept
    tcp dport 22 accept
    udp dport ${udpPorts.first}-${udpPorts.last} accept
    drop
  }
  chain passing {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "${lan.bridge}" oifname "${wan.interface}" accept
  }
}
`;

export async function ensureNamespace(id: string, name: string): Promise<void> {
  const namespace = namespaceOf(id, name);
  const file = `/run/netns/${namespace}`;
  const up = ['ip', '-n', namespace, 'link', 'set', 'lo', 'up'] as const;
  if (existsSync(file)) {
    if (await succeeds(id, up)) return;
    // Only the file of a name, left by a making that broke off.
    await run(id, ['ip', 'netns', 'del', namespace]);
  }
  await run(id, ['ip', 'netns', 'add', namespace]);
  await run(id, up);
  // The WAN's switches hand packets on by datagram sockets: with the usual queue of ten, bursts are lost.
  await inNamespace(id, namespace, ['sysctl', '-qw', 'net.unix.max_dgram_qlen=2000']);
}

/** The site's LAN and gateway. Its interface on the WAN exists already. */
export async function ensureGateway(id: string, site: LabSite): Promise<void> {
  const namespace = namespaceOf(id, site.frontend.name);
  const links = await linkNames(id, namespace);
  await ipBatch(id, namespace, [
    ...bridgeLines(links, site.frontend.name),
    `addr replace ${lan.gateway}/${lan.prefixLength} dev ${lan.bridge}`,
    `addr replace ${site.wanAddress}/${wan.prefixLength} dev ${wan.interface}`,
    `link set ${wan.interface} up`,
  ]);
  await inNamespace(id, namespace, ['sysctl', '-qw', 'net.ipv4.ip_forward=1']);
  await inNamespace(id, namespace, ['nft', '-f', '-'], gatewayRules);
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

export async function linkNames(id: string, namespace: string): Promise<string[]> {
  const links = JSON.parse(await run(id, ['ip', '-j', '-n', namespace, 'link'])) as {
    ifname: string;
  }[];
  return links.map((link) => link.ifname);
}

function bridgeLines(links: string[], machine: string): string[] {
  const create = links.includes(lan.bridge)
    ? []
    : // A fixed address: else the bridge would change its own whenever a VM joins or leaves.
      [`link add ${lan.bridge} address ${macOf(machine)} type bridge forward_delay 0`];
  return [...create, `link set ${lan.bridge} up`];
}

function macOf(machine: string): string {
  const digest = createHash('sha256').update(machine).digest('hex');
  return ['06', ...(digest.slice(0, 10).match(/../g) ?? [])].join(':');
}

async function ipBatch(id: string, namespace: string, lines: string[]): Promise<void> {
  await run(id, ['ip', '-n', namespace, '-batch', '-'], { stdin: `${lines.join('\n')}\n` });
}

async function inNamespace(
  id: string,
  namespace: string,
  argv: [string, ...string[]],
  stdin = '',
): Promise<void> {
  await run(id, ['nsenter', `--net=/run/netns/${namespace}`, ...argv], { stdin });
}
