import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { Vm } from '../../../src/domain/vm.ts';
import { runInGuest, type GuestResult } from './guest-agent.ts';
import type { Namespace } from './namespace.ts';

export interface MachineSetup {
  namespace: Namespace;
  directory: string;
  /** Path of the node image. */
  bundle: string;
  vm: Vm;
  /** Gzipped tar. */
  seed: Buffer;
  mtu: number;
}

/** A VM with the devices that a VM container gives it. */
export class Machine {
  private readonly setup: MachineSetup;
  private readonly process: ChildProcess;

  private constructor(setup: MachineSetup, process: ChildProcess) {
    this.setup = setup;
    this.process = process;
  }

  static async start(setup: MachineSetup): Promise<Machine> {
    const { namespace, vm, mtu } = setup;
    const path = (kind: string) => join(setup.directory, `${vm.name}.${kind}`);
    await writeFile(path('seed'), gunzipSync(setup.seed));
    const frontend = vm.role === 'frontend';
    const argv = [
      'qemu-system-x86_64',
      ...options({
        accel: 'tcg,tb-size=128',
        machine: 'pc',
        cpu: 'qemu64',
        m: String(vm.memoryMiB),
        serial: `file:${path('console')}`,
        chardev: `socket,path=${path('agent')},server=on,wait=off,id=qga`,
      }),
      '-nographic',
      '-nodefaults',
      ...devices('virtio-rng-pci', 'virtio-serial'),
      ...devices('virtserialport,chardev=qga,name=org.qemu.guest_agent.0'),
      ...disk('bundle', setup.bundle, 'on', `,bootindex=${frontend ? 1 : 2}`),
      ...disk('seed', path('seed'), 'on'),
    ];
    const boot = frontend ? ',romfile=' : ',bootindex=1';
    argv.push(...(await port(namespace, `t-${vm.mac.slice(-2)}`, 'overlay', vm.mac, mtu, boot)));
    if (frontend) {
      argv.push(...disk('data', path('data'), 'off'));
      const mac = vm.siteInterface?.mac ?? '';
      argv.push(...(await port(namespace, 's-1', 'site', mac, 1500, ',romfile=')));
    }
    return new Machine(setup, namespace.start(argv));
  }

  run(argv: string[], options?: { stdin?: string; timeoutMs?: number }): Promise<GuestResult> {
    return runInGuest(join(this.setup.directory, `${this.setup.vm.name}.agent`), argv, options);
  }

  /** Runs a program again and again until what it says is accepted. @returns seconds it took. */
  async waitFor(
    argv: string[],
    accepts: (result: GuestResult) => boolean,
    timeoutMs: number,
  ): Promise<number> {
    const start = Date.now();
    let last = 'nothing yet';
    while (Date.now() - start < timeoutMs) {
      try {
        const result = await this.run(argv);
        if (accepts(result)) return (Date.now() - start) / 1000;
        last = result.stdout + result.stderr;
      } catch (error) {
        last = String(error);
      }
      await sleep(400);
    }
    throw new Error(
      `${argv.join(' ')} in ${this.setup.vm.name}: ${last}\n${await this.consoles()}`,
    );
  }

  /** The last lines of every machine's serial console. */
  private async consoles(): Promise<string> {
    const { directory } = this.setup;
    const names = (await readdir(directory)).filter((name) => name.endsWith('.console'));
    const tail = async (name: string) =>
      `--- ${name}\n${(await readFile(join(directory, name), 'utf8')).slice(-2500)}`;
    return (await Promise.all(names.map(tail))).join('\n');
  }

  /** Waits until it has powered itself off. */
  async ended(): Promise<void> {
    if (this.process.exitCode === null) await once(this.process, 'exit');
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    // QEMU itself: `nsenter`, which has forked it, waits for its end, so that its disks are free then.
    const { pid } = this.process;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    for (const child of children.split(' ').filter(Boolean)) process.kill(Number(child), 'SIGKILL');
    await ended;
  }
}

function options(values: Record<string, string>): string[] {
  return Object.entries(values).flatMap(([name, value]) => [`-${name}`, value]);
}

function devices(...specs: string[]): string[] {
  return specs.flatMap((spec) => ['-device', spec]);
}

function disk(serial: string, path: string, readOnly: 'on' | 'off', more = ''): string[] {
  const drive = `file=${path},format=raw,if=none,id=${serial},readonly=${readOnly}`;
  return ['-drive', drive, '-device', `virtio-blk-pci,drive=${serial},serial=${serial}${more}`];
}

async function port(
  namespace: Namespace,
  tap: string,
  bridge: string,
  mac: string,
  mtu: number,
  more: string,
): Promise<string[]> {
  await namespace.run('ip', 'tuntap', 'add', tap, 'mode', 'tap');
  await namespace.run('ip', 'link', 'set', tap, 'mtu', String(mtu), 'master', bridge, 'up');
  const device = `virtio-net-pci,netdev=${tap},mac=${mac},host_mtu=${mtu}${more}`;
  const netdev = `tap,id=${tap},ifname=${tap},script=no,downscript=no`;
  return ['-netdev', netdev, '-device', device];
}
