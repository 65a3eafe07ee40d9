import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createLocalShell } from '../../../src/transport/local-shell.ts';
import { sh, until } from './hosts.ts';

const local = createLocalShell();

/** A namespace that stands for a VM at a machine of the lab. */
export interface LabVm {
  /** Of its machine. */
  host: string;
  namespace: string;
  address: string;
  bridge: string;
  site: string;
  container: string;
}

/** A VM with its interface, which joins no bridge yet: its programs can ask before anybody answers. */
export async function makeVm(vm: LabVm & { mac: string; mtu: number }): Promise<void> {
  const { namespace } = vm;
  await sh(`ip netns add ${namespace}`);
  await sh(`ip -n ${namespace} link set lo up`);
  await sh(`ip -n ${vm.host} link add ${portOf(vm)} type veth peer name eth0 netns ${namespace}`);
  await sh(`ip -n ${namespace} link set eth0 mtu ${vm.mtu} address ${vm.mac} up`);
  await sh(`ip -n ${namespace} addr add ${vm.address}/24 dev eth0`);
  // As often as the pings: else most of what is measured is how long it waits to ask again.
  const asks = 'net.ipv4.neigh.eth0.retrans_time_ms=100';
  await sh(`ip netns exec ${namespace} sysctl -qw ${asks}`);
}

/** Plugs the VM into its bridge as soon as that is there. */
export async function plugWhenReady(vm: LabVm, mtu: number): Promise<void> {
  const argv = `-n ${vm.host} link set ${portOf(vm)} mtu ${mtu} master ${vm.bridge} up`.split(' ');
  await until(60, `${vm.bridge} at ${vm.host}`, async () => {
    const { exitCode } = await local.run(['ip', ...argv]);
    return exitCode === 0;
  });
}

/** Milliseconds since 1970 at which the programs of the links at the VM's container were started last. */
export async function linksStartedAt({ host }: LabVm): Promise<number> {
  const { stdout } = await local.run(['ip', 'netns', 'pids', host]);
  const programs = stdout
    .split('\n')
    .filter((pid) => pid !== '' && programOf(pid) === 'wireguard-go');
  const uptime = Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
  return Math.max(
    ...programs.map((pid) => {
      // The 22nd field of stat, in hundredths of a second since the boot; the name before it has no blank.
      const ticks = Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[21]);
      return Date.now() - (uptime - ticks / 100) * 1000;
    }),
  );
}

/** Its name; none of one that has ended. */
function programOf(pid: string): string | undefined {
  const file = `/proc/${pid}/comm`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

/** Ends what runs in the VM, and the VM. */
export async function removeVm({ namespace }: LabVm): Promise<void> {
  const { stdout } = await local.run(['ip', 'netns', 'pids', namespace]);
  for (const pid of stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL');
  await local.run(['ip', 'netns', 'delete', namespace]);
}

/** How many packets of full size got lost. */
export async function lostOfFullSize(from: LabVm, to: LabVm, count = 5): Promise<number> {
  const ping = `ping -n -c ${count} -i 0.2 -W 2 -M do -s 1392 ${to.address}`.split(' ');
  const { stdout } = await local.run(['ip', 'netns', 'exec', from.namespace, ...ping]);
  return count - Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
}

/** Serves the directory by HTTP from the VM until it is removed. */
export async function serveFiles(vm: LabVm, directory: string): Promise<ChildProcess> {
  const httpd = ['busybox', 'httpd', '-f', '-p', `${vm.address}:80`, '-h', directory];
  const child = spawn('ip', ['netns', 'exec', vm.namespace, ...httpd], { stdio: 'ignore' });
  await once(child, 'spawn');
  return child;
}

/** SHA-256 of what the VM gets from another one, as hex. */
export async function fetchedDigest(by: LabVm, from: LabVm, name: string): Promise<string> {
  const script = `curl -sf --max-time 20 http://${from.address}/${name} | sha256sum`;
  const argv = ['ip', 'netns', 'exec', by.namespace, 'sh', '-c', script] as const;
  return (await local.run(argv)).stdout.slice(0, 64);
}

/** When the other VM answered first, in ms since 1970; Infinity if not in this time. A question each 100 ms. */
export function firstReply(from: LabVm, to: LabVm, seconds: number): Promise<number> {
  // Without a deadline of its own: with one it ends at the first error that anybody reports.
  const ping = `ping -n -i 0.1 ${to.address}`.split(' ');
  const child = spawn('ip', ['netns', 'exec', from.namespace, ...ping], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
  return new Promise((resolve) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (!text.includes('bytes from')) return;
      resolve(Date.now());
      child.kill('SIGKILL');
    });
    child.once('close', () => {
      clearTimeout(timer);
      resolve(Infinity);
    });
  });
}

function portOf({ address }: LabVm): string {
  return `vm-${address.split('.').at(-1)}`;
}
