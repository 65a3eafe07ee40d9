import type { Edge, OverlayTable } from '../../../src/domain/overlay.ts';
import { operationOf } from '../../drivers/overlay-contract.ts';
import { namespaceName, startHost, type TestHost } from './hosts.ts';

export const key = 'a-key-that-only-this-test-has-0123456789abc';
export const policy = { udpPorts: { first: 7700, last: 7800 } };
/** An operation of the one cluster that these tests have. */
export const operation = operationOf(1);

export const edgeOf = (index: number, container: string): Edge => ({
  vm: `vm${index}`,
  site: 'here',
  container,
  tap: `tn2ntest-${index}`,
  bridge: `bn2ntest-${index}`,
  mac: `02:5e:5e:00:00:0${index}`,
  address: `10.77.1.${index}`,
  udpPort: 7700 + index,
});

export const tableOf = (edges: Edge[], version = '1.3'): OverlayTable => ({
  kind: 'n2n',
  version,
  community: `mvc${operation.mark.clusterId}`,
  network: '10.77.1.0/24',
  mtu: version.startsWith('1.') ? 1400 : 1290,
  relayOnly: true,
  supernode: { site: 'here', address: '198.51.100.1', port: 7799 },
  edges,
});

/** A physical frontend for the supernode, and two VM containers on its LAN. */
export interface N2nSite {
  frontend: TestHost;
  c1: TestHost;
  c2: TestHost;
  stop(): Promise<void>;
}

/** @param programs directory whose `edge` and `supernode` run instead of the installed ones. */
export async function startN2nSite(programs?: string): Promise<N2nSite> {
  const started: TestHost[] = [];
  const stop = async () => {
    for (const host of started.toReversed()) await host.stop();
  };
  const start = async (name: string) => {
    const host = await startHost(name, programs);
    started.push(host);
    return host;
  };
  try {
    const frontend = await start(namespaceName('fe'));
    const [c1, c2] = [await start(namespaceName('c1')), await start(namespaceName('c2'))];
    await joinLan(frontend, [c1, c2]);
    return { frontend, c1, c2, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function joinLan(frontend: TestHost, containers: TestHost[]): Promise<void> {
  await frontend.run('ip link add lan0 type bridge');
  await frontend.run('ip addr add 192.168.10.1/24 dev lan0');
  // The public address is not on the LAN: answers must leave with it all the same.
  await frontend.run('ip addr add 198.51.100.1/32 dev lo');
  await frontend.run('ip link set lan0 up');
  await frontend.run('sysctl -qw net.ipv4.ip_forward=1');
  for (const [index, host] of containers.entries()) {
    await frontend.run(`ip link add h${index} type veth peer name eth0 netns ${host.name}`);
    await frontend.run(`ip link set h${index} master lan0 up`);
    await host.run(`ip addr add 192.168.10.1${index + 1}/24 dev eth0`);
    await host.run('ip link set eth0 up');
    await host.run('ip route add default via 192.168.10.1');
  }
}
