import { carrier, lan, udpPorts, wan, type NatKind } from './plan.ts';

/** A gateway that starts anew knows none of its flows: the change to another kind starts it anew. */
export interface GatewaySettings {
  kind: NatKind;
  /** How often that has happened. */
  changes: number;
}

const fromWan = `iifname "${wan.interface}"`;
const toWan = `oifname "${wan.interface}"`;
const known = 'ct state established,related accept';
const ssh = 'tcp dport 22';

/**
 * What makes a site's gateway: it lets the LAN out under the gateway's own address, and in what its kind lets in.
 * What is not wanted is dropped without an answer: a refusal would leave a connection-tracking entry that keeps a
 * NAT from giving an outgoing flow its own port.
 */
export function renderGatewayRules({ kind, changes }: GatewaySettings): string {
  return renderTable([
    ...renderFlowMemory(changes),
    ...(kind === 'full-cone' ? renderCone() : []),
    ...(kind === 'open' ? [] : renderUnasked(kind)),
    renderChain('leaving', 'type nat hook postrouting priority srcnat;', [
      `${toWan} ip saddr ${lan.gateway}/${lan.prefixLength} ${masquerade(kind)}`,
    ]),
    renderChain('arriving', 'type filter hook input priority filter;', [
      `iifname != "${wan.interface}" accept`,
      known,
      'ip protocol icmp accept',
      `${ssh} accept`,
      `udp dport ${udpPorts.first}-${udpPorts.last} accept`,
      'drop',
    ]),
    renderChain('passing', 'type filter hook forward priority filter; policy drop;', [
      known,
      // Where the kernel shows bridged packets to the firewall, the LAN itself passes here.
      `iifname "${lan.bridge}" oifname "${lan.bridge}" accept`,
      // And the bridges of VMs, where the gateway is a VM container too.
      'iifname "b*" oifname "b*" accept',
      `iifname "${lan.bridge}" ${toWan} accept`,
      ...handedOn(kind),
    ]),
  ]).concat(renderWire(kind === 'udp-blocked'));
}

/** The provider's NAT before a gateway whose site has no public address of its own. Its ssh is forwarded. */
export function renderCarrierRules(changes: number): string {
  return renderTable([
    ...renderFlowMemory(changes),
    renderChain('entering', 'type nat hook prerouting priority dstnat;', [
      `${fromWan} ${ssh} dnat to ${carrier.siteAddress}`,
    ]),
    renderChain('leaving', 'type nat hook postrouting priority srcnat;', [
      `${toWan} ip saddr ${carrier.address}/${carrier.prefixLength} masquerade`,
    ]),
    renderChain('arriving', 'type filter hook input priority filter;', [
      `iifname != "${wan.interface}" accept`,
      known,
      'drop',
    ]),
    renderChain('passing', 'type filter hook forward priority filter; policy drop;', [
      known,
      `iifname "${carrier.interface}" ${toWan} accept`,
      `${fromWan} ${ssh} ct status dnat accept`,
    ]),
  ]);
}

/** Entries of connection tracking are only seen in the zone in which they were made. */
function renderFlowMemory(changes: number): string[] {
  if (changes === 0) return [];
  const zone = [`ct zone set ${changes}`];
  return [
    renderChain('remembering', 'type filter hook prerouting priority raw;', zone),
    renderChain('remembering_own', 'type filter hook output priority raw;', zone),
  ];
}

/**
 * The kernel's own NAT asks for the remote address too. So the port under which a container left is noted, and
 * whatever arrives at it goes to the container, whoever sent it.
 */
function renderCone(): string[] {
  const lanNetwork = `${lan.gateway}/${lan.prefixLength}`;
  const note = (direction: 'original' | 'reply') =>
    `${toWan} ct direction ${direction} ct ${direction} ip saddr ${lanNetwork} meta l4proto udp ` +
    `update @cone { udp sport : ct ${direction} ip saddr . ct ${direction} proto-src }`;
  return [
    '  map cone { type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 2m; }',
    renderChain('noting', 'type filter hook postrouting priority srcnat + 10;', [
      note('original'),
      note('reply'),
    ]),
    // Before the rules of others: what the NAT does with a port is not for programs of the site to say.
    renderChain('entering', 'type nat hook prerouting priority dstnat - 10;', [
      `${fromWan} dnat ip to udp dport map @cone`,
    ]),
  ];
}

/** Comes before all destination NAT, so that no rule of others lets anything in. */
function renderUnasked(kind: NatKind): string[] {
  return [
    renderChain('unasked', 'type filter hook prerouting priority mangle;', [
      `iifname != "${wan.interface}" accept`,
      known,
      `${ssh} accept`,
      ...(kind === 'full-cone' ? ['udp dport @cone accept'] : []),
      'drop',
    ]),
  ];
}

function masquerade(kind: NatKind): string {
  return kind === 'symmetric' ? 'masquerade random,fully-random' : 'masquerade';
}

/** What goes on to a container although it did not ask. */
function handedOn(kind: NatKind): string[] {
  const ports = `${udpPorts.first}-${udpPorts.last}`;
  const mapped = (protocols: string) => `${fromWan} meta l4proto ${protocols} ct status dnat`;
  // TCP too: by it a relay takes those whose site lets no UDP out.
  if (kind === 'open') return [`${mapped('{ tcp, udp }')} ct original proto-dst ${ports} accept`];
  return kind === 'full-cone' ? [`${mapped('udp')} accept`] : [];
}

/**
 * UDP is lost on the wire, not at the gateway: its own programs would be told.
 *
 * @returns also without that what takes back an earlier one.
 */
function renderWire(losesUdp: boolean): string {
  const lose = (name: string, hook: string) =>
    renderChain(name, `type filter hook ${hook} device "${wan.interface}" priority filter;`, [
      'meta l4proto udp drop',
    ]);
  const chains = losesUdp ? [lose('in', 'ingress'), lose('out', 'egress')] : [];
  return renderTable(chains, 'netdev');
}

function renderTable(chains: string[], family = 'ip'): string {
  const table = `table ${family} lab`;
  const old = `add ${table}\ndelete ${table}\n`;
  return chains.length === 0 ? old : `${old}${table} {\n${chains.join('\n')}\n}\n`;
}

function renderChain(name: string, hook: string, rules: string[]): string {
  return [`  chain ${name} {`, ...[hook, ...rules].map((line) => `    ${line}`), '  }'].join('\n');
}
