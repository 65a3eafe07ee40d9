import { join } from 'node:path';
import { until, type Ground } from './ground.ts';
import { wanAddresses, wanDevice } from './places.ts';
import type { Scenario } from './scenarios.ts';

const sites = ['left', 'right', 'hub'] as const;
/** As on hosts that are set for fast transfers over long lines: 100 ms at 1 Gbit/s are 12.5 MB on the way. */
const largestTcpBuffer = 64 * 1024 ** 2;

/** Joins the sites by a network with the scenario's delay, and limits what each can send. */
export async function layWan(ground: Ground, scenario: Scenario): Promise<void> {
  if (scenario.rttMs === 0) await layBridge(ground);
  else await startSwitch(ground, scenario.rttMs / 2);
  for (const site of sites) {
    await ground.ip(
      site,
      `addr add ${wanAddresses[site]}/24 dev ${wanDevice}\nlink set ${wanDevice} up\n`,
    );
    if (scenario.mbitPerSecond !== undefined) await limit(ground, site, scenario.mbitPerSecond);
  }
  for (const place of ['left', 'right', 'leftVm', 'rightVm'] as const) {
    await ground.sysctl(place, {
      'net.ipv4.tcp_rmem': `4096 131072 ${largestTcpBuffer}`,
      'net.ipv4.tcp_wmem': `4096 65536 ${largestTcpBuffer}`,
    });
  }
}

async function layBridge(ground: Ground): Promise<void> {
  const links = sites.map(
    (site) =>
      `link add name ${site} type veth peer name ${wanDevice} netns ${ground.namespace(site)}\n` +
      `link set ${site} master sites up\n`,
  );
  await ground.ip('wan', `link add name sites type bridge\nlink set sites up\n${links.join('')}`);
}

async function startSwitch(ground: Ground, delayMs: number): Promise<void> {
  const program = join(import.meta.dirname, 'wan-switch.py');
  const namespaces = sites.map((site) => ground.namespace(site));
  const started = ground.start('wan', [
    'python3',
    program,
    String(delayMs),
    wanDevice,
    ...namespaces,
  ]);
  try {
    await until('the switch with delay', () => started.output().startsWith('ready'));
  } catch (error) {
    throw new Error(started.output(), { cause: error });
  }
}

/** The line of a site, by a token bucket with a queue of 20 ms. */
async function limit(
  ground: Ground,
  site: (typeof sites)[number],
  mbitPerSecond: number,
): Promise<void> {
  const rate = `${mbitPerSecond}mbit`;
  // prettier-ignore
  await ground.run(site, ['tc', 'qdisc', 'add', 'dev', wanDevice, 'root', 'tbf',
    'rate', rate, 'burst', '256kb', 'latency', '20ms']);
}
