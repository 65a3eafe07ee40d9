import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRunitSupervisor } from '../../../src/drivers/supervisor/runit.ts';
import type { Supervisor } from '../../../src/drivers/supervisor/supervisor.ts';
import { createLocalShell } from '../../../src/transport/local-shell.ts';
import type { Shell } from '../../../src/transport/shell.ts';

const local = createLocalShell();

/** Of a namespace that is this process's own: several files of tests run at a time. */
export function namespaceName(name: string): string {
  return `mvcn${process.pid}-${name}`;
}

/** Runs on this machine; must succeed. Words are split at blanks. */
export async function sh(command: string): Promise<string> {
  const [program = '', ...args] = command.split(' ');
  const { exitCode, stdout, stderr } = await local.run([program, ...args]);
  if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout;
}

/** A network namespace that stands for a host: its own interfaces, firewall and supervisor. */
export interface TestHost {
  name: string;
  shell: Shell;
  supervisor: Supervisor;
  /** What the host keeps; goes with it. */
  directory: string;
  services: string;
  run(command: string): Promise<string>;
  pids(): Promise<string[]>;
  /** Ends every process of the host at once and starts its supervisor again. Interfaces stay. */
  reboot(): Promise<void>;
  stop(): Promise<void>;
}

/** @param programs directory in which programs are looked up first, also by the services. */
export async function startHost(name: string, programs?: string): Promise<TestHost> {
  const path = process.env['PATH'] ?? '';
  const env = { ...process.env, PATH: programs === undefined ? path : `${programs}:${path}` };
  await sh(`ip netns add ${name}`);
  await sh(`ip -n ${name} link set lo up`);
  const directory = mkdtempSync(join(tmpdir(), `${name}-`));
  const scanDirectory = join(directory, 'scan');
  mkdirSync(scanDirectory);
  const services = join(directory, 'services');
  mkdirSync(services, { mode: 0o700 });
  // Two hosts may have WireGuard devices of one name, and their control sockets are files.
  const sockets = join(directory, 'wireguard');
  for (const each of [sockets, '/run/wireguard']) mkdirSync(each, { recursive: true });
  const inside = 'mount --bind "$0" /run/wireguard && exec "$@"';
  const enter = ['ip', 'netns', 'exec', name, 'sh', '-c', inside, sockets] as const;
  const shell: Shell = {
    run: (argv, options) => local.run([...enter, ...argv], { ...options, env }),
  };
  const boot = (): ChildProcess =>
    spawn(enter[0], [...enter.slice(1), 'runsvdir', scanDirectory], { stdio: 'ignore', env });
  const pids = async () => (await sh(`ip netns pids ${name}`)).split('\n').filter(Boolean);
  const killAll = async () => {
    for (const pid of await pids()) killNow(Number(pid));
  };
  let runsvdir = boot();
  return {
    name,
    shell,
    directory,
    services,
    supervisor: createRunitSupervisor({ shell, scanDirectory, root: services }),
    async run(command) {
      const [program = '', ...args] = command.split(' ');
      const { exitCode, stdout, stderr } = await shell.run([program, ...args]);
      if (exitCode !== 0) throw new Error(`${name}: ${command}: ${stderr}`);
      return stdout;
    },
    pids,
    async reboot() {
      const ended = once(runsvdir, 'exit');
      await killAll();
      await ended;
      runsvdir = boot();
    },
    async stop() {
      const ended = once(runsvdir, 'exit');
      // HUP: it ends its services too.
      runsvdir.kill('SIGHUP');
      await ended;
      // Those that a test which failed has left.
      await killAll();
      await sh(`ip netns delete ${name}`);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A process that has ended meanwhile is as good as killed. */
function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A namespace that stands for a VM: one interface with its MAC, plugged into a bridge of the host. */
export async function plugVm(
  host: TestHost,
  vm: { name: string; mac: string; address: string; bridge: string; mtu: number },
): Promise<void> {
  await sh(`ip netns add ${vm.name}`);
  await sh(`ip -n ${host.name} link add p-${vm.name} type veth peer name eth0 netns ${vm.name}`);
  await sh(`ip -n ${host.name} link set p-${vm.name} mtu ${vm.mtu} master ${vm.bridge} up`);
  await sh(`ip -n ${vm.name} link set eth0 mtu ${vm.mtu} address ${vm.mac} up`);
  await sh(`ip -n ${vm.name} addr add ${vm.address}/24 dev eth0`);
}

/** How many of so many pings were answered. */
export async function pings(vm: string, address: string, count = 5): Promise<number> {
  const argv = ['ping', '-c', String(count), '-i', '0.2', '-W', '1', address] as const;
  const { stdout } = await local.run(['ip', 'netns', 'exec', vm, ...argv]);
  return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
}

export async function until<T>(
  seconds: number,
  what: string,
  probe: () => Promise<T | false | undefined>,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
