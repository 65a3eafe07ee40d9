import { cpus, loadavg } from 'node:os';
import { bytesOf, rulesOf, type Model } from './model.ts';
import type { ContainerFiles } from './files.ts';
import type { LoadTimes } from './load.ts';
import { modelledSent, type Rate } from './traffic.ts';
import { containerCount, siteCount, vmCount, vmsPerContainer } from './world.ts';

/** Of the world in which traffic is measured. */
const measuredPeers = 2;
const measuredRelays = 1;

export interface Figures {
  model: Model;
  /** The container that is loaded. */
  spoke: ContainerFiles;
  load: LoadTimes;
  routed: Rate;
  n2n: Rate;
}

export function renderTables({ model, spoke, load, routed, n2n }: Figures): string {
  return [
    `${vmCount} VMs on ${containerCount} VM containers at ${siteCount} sites, kind \`routed\`, ${cpus().length} cores, load ${(loadavg()[0] ?? 0).toFixed(1)} at the end.`,
    '',
    ...table(
      ['model: what a VM container has', 'does not relay', 'relays'],
      containerRows(model, spoke),
    ),
    ...table(['model: the controller and all hosts together', 'ms'], timeRows(model)),
    ...table(
      ['model: changed by one VM more', 'VM containers'],
      [...model.changed].map(([name, count]) => [`\`${name}\``, String(count)]),
    ),
    ...table(
      ['measured: one VM container takes in, ms', `${vmCount} VMs`, 'one VM more'],
      loadRows(load),
    ),
    `Memory of the \`wireguard-go\` with ${spoke.order.peers.length} peers: ${load.wireguardMiB.toFixed(0)} MiB.`,
    '',
    ...table(
      ['packets per second that leave while no VM says anything', 'model', 'measured'],
      trafficRows(routed, n2n),
    ),
    ...table(
      ['bytes per second that leave per VM meanwhile', 'model', 'measured'],
      byteRows(routed, n2n),
    ),
  ].join('\n');
}

function containerRows({ before }: Model, spoke: ContainerFiles): string[][] {
  const relay = before.find(({ relays }) => relays) ?? spoke;
  const both = (title: string, of: (each: ContainerFiles) => number) => [
    title,
    of(spoke).toFixed(0),
    of(relay).toFixed(0),
  ];
  const sizeOf = (name: string) => (each: ContainerFiles) => each.files.get(name)?.length ?? 0;
  return [
    both('rules of the firewall', rulesOf),
    both('routes to VMs elsewhere', ({ order }) =>
      order.peers.reduce((sum, { addresses }) => sum + addresses.length, 0),
    ),
    both('routes to probe addresses', ({ order, links }) => order.peers.length * links.size),
    both('links (devices)', ({ links }) => links.size),
    both('bytes of all files', bytesOf),
    both('… of the links', ({ links }) => [...links.values()].join('').length),
    both('… of the table for the keeper of paths', sizeOf('paths.json')),
    both('… of the rules', sizeOf('rules.nft')),
    both('… of the leases', sizeOf('dnsmasq.conf')),
  ];
}

function timeRows(model: Model): string[][] {
  return [
    ['to plan the cluster', ms(model.planMs)],
    ['to render the files of all containers', ms(model.renderMs)],
    ['to plan one VM more', ms(model.replanMs)],
    ['to render all files again', ms(model.renderAgainMs)],
  ];
}

function loadRows(load: LoadTimes): string[][] {
  return [
    ['rules, by `nft -f`', ms(load.rules), ms(load.rulesMore)],
    [
      'direct link, by `wg setconf`; then `wg show` and `wg set` of what differs',
      ms(load.direct),
      ms(load.directMore),
    ],
    ['link with a relay, likewise', ms(load.relay), ms(load.relayMore)],
    ['routes, by `ip -batch`', ms(load.routes), ms(load.routesMore)],
    ['all links and routes, where the VM is elsewhere', '–', ms(load.sumMore)],
  ];
}

function trafficRows(routed: Rate, n2n: Rate): string[][] {
  const large = modelledSent(containerCount - 1, 2);
  const small = modelledSent(measuredPeers, measuredRelays);
  return [
    ['routed, a container with 2 peers, one of which relays', small.toFixed(2), seen(routed)],
    ['routed, a container of the large cluster', large.toFixed(2), '–'],
    ['routed, per VM of the large cluster', (large / vmsPerContainer).toFixed(2), '–'],
    ['n2n 1.3, an edge, which is a VM', '–', seen(n2n)],
  ];
}

/** The size of a packet is known of the small world alone: the large one's packets are of the same kinds. */
function byteRows(routed: Rate, n2n: Rate): string[][] {
  const mean = routed.bytesSent / routed.sent;
  const perVm = (modelledSent(containerCount - 1, 2) / vmsPerContainer) * mean;
  return [
    [
      `routed, the large cluster: the model's packets times the measured mean of ${mean.toFixed(0)} bytes`,
      perVm.toFixed(0),
      '–',
    ],
    ['n2n 1.3, an edge, which is a VM', '–', n2n.bytesSent.toFixed(0)],
  ];
}

function seen({ sent, received, bytesSent }: Rate): string {
  return `${sent.toFixed(2)} (${bytesSent.toFixed(0)} bytes; ${received.toFixed(2)} arrive)`;
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(1) : value.toFixed(0);
}

function table(head: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [line(head), line(rule), ...rows.map(line), ''];
}
