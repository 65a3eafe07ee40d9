import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mark } from '../../../src/domain/mark.ts';
import { vmsAt, type Edge, type OverlayTable } from '../../../src/domain/overlay.ts';
import { createRunitSupervisor } from '../../../src/drivers/supervisor/runit.ts';
import { bundleMvcSite } from '../../../src/site/bundle.ts';
import { createLocalShell } from '../../../src/transport/local-shell.ts';
import type { Shell } from '../../../src/transport/shell.ts';
import { sh, until, type TestHost } from './hosts.ts';

const local = createLocalShell();
const tools = join(import.meta.dirname, '../../../.tools');

/** Like other test hosts, with sockets of WireGuard of its own: they are called by devices, which are alike. */
export async function startPrivateHost(name: string): Promise<TestHost> {
  const env = { ...process.env, PATH: `${tools}:${process.env['PATH'] ?? ''}` };
  await sh(`ip netns add ${name}`);
  await sh(`ip -n ${name} link set lo up`);
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  const scanDirectory = join(directory, 'scan');
  const services = join(directory, 'services');
  mkdirSync(scanDirectory);
  mkdirSync(services, { mode: 0o700 });
  mkdirSync('/var/run/wireguard', { recursive: true });
  const begin = 'mount -t tmpfs tmpfs /var/run/wireguard && exec runsvdir "$0"';
  const runsvdir = spawn('ip', ['netns', 'exec', name, 'sh', '-c', begin, scanDirectory], {
    stdio: 'ignore',
    env,
  });
  const pid = String(runsvdir.pid);
  await until(5, `${name} runs`, async () => {
    const { stdout } = await local.run(['cat', `/proc/${pid}/comm`]);
    return stdout.trim() === 'runsvdir';
  });
  const shell: Shell = {
    run: (argv, options) =>
      local.run(['nsenter', '-t', pid, '-m', '-n', '--', ...argv], { ...options, env }),
  };
  return {
    name,
    shell,
    directory,
    services,
    supervisor: createRunitSupervisor({ shell, scanDirectory, root: services }),
    run: (command) => sh(`nsenter -t ${pid} -m -n -- ${command}`),
    pids: async () => (await sh(`ip netns pids ${name}`)).split('\n').filter(Boolean),
    reboot: () => Promise.reject(new Error('it is never started again')),
    async stop() {
      const ended = once(runsvdir, 'exit');
      runsvdir.kill('SIGHUP');
      await ended;
      await sh(`ip netns delete ${name}`);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The program that keeps paths is the one that runs now: at real hosts it is `mvc-site`. */
export async function runAsMvcSite(directory: string): Promise<void> {
  const file = join(directory, 'mvc-site');
  await writeFile(file, await bundleMvcSite());
  process.argv[1] = file;
}

export const addresses = { here: '198.51.100.1', there: '198.51.100.2' };
/** What an n-th VM of the test has. */
export function edgeOf({ clusterId }: Mark, n: number, site: 'here' | 'there'): Edge {
  return {
    vm: `vm${n}`,
    site,
    container: site === 'here' ? 'c1' : 'c2',
    tap: `t${clusterId.slice(0, 8)}-${n}`,
    bridge: `b${clusterId.slice(0, 8)}-${n}`,
    mac: `02:c0:ff:ee:00:0${n}`,
    address: `10.99.7.${n}`,
  };
}

function placeOf(site: 'here' | 'there') {
  return { site, container: site === 'here' ? 'c1' : 'c2' };
}

/** @param keys of the containers; with `inClear` they have no links. */
export function vxlanTable(
  { clusterId }: Mark,
  edges: Edge[],
  keys: { here: string; there: string },
  inClear: boolean,
): OverlayTable {
  const peer = (site: 'here' | 'there', number: number) => ({
    number,
    ...placeOf(site),
    publicKey: keys[site],
    lanAddress: addresses[site],
    publicAddress: addresses[site],
    inbound: true,
    port: 7700,
    ...(inClear || site === 'there' ? {} : { relayPort: 7701 }),
    vms: vmsAt(edges, placeOf(site)),
  });
  return {
    kind: 'vxlan',
    version: '1.0',
    community: `mvc${clusterId}`,
    network: '10.99.7.0/24',
    mtu: inClear ? 1450 : 1350,
    relayOnly: false,
    edges,
    peers: [peer('here', 1), peer('there', 2)],
  };
}
