import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Failure } from '../domain/failure.ts';
import { generateSshKey } from '../transport/ssh-key.ts';
import type { LabDirectory } from './directory.ts';
import { namespaceOf, type LabMachine } from './plan.ts';
import { findProcesses, killAll, startDetached } from './processes.ts';

const initScript = fileURLToPath(new URL('./machine-init.sh', import.meta.url));
const unshareFlags =
  '--mount --uts --ipc --pid --fork --mount-proc --kill-child --propagation private'.split(' ');
const bootTimeoutMs = 30_000;

const sshdConfig = `Include /etc/ssh/sshd_config.d/*.conf
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin no
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
MaxStartups 100
Subsystem sftp internal-sftp
PidFile /run/sshd.pid
`;

const libvirtdConfig = `auth_unix_rw = "none"
host_uuid_source = "machine-id"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
`;

// A machine of the lab has neither cgroups, security modules, nor accounts that could see its files.
const qemuConfig = `security_driver = "none"
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
`;

/** Starts the machine unless it runs; its disk is that of its last run. */
export async function ensureMachine(directory: LabDirectory, machine: LabMachine): Promise<void> {
  if (isReady(directory, machine)) return;
  await stopMachine(directory, machine);
  await layOut(directory, machine);
  const logFile = join(directory.machine(machine.name), 'boot.log');
  await rm(logFile, { force: true });
  await startDetached(
    [
      'nsenter',
      `--net=/run/netns/${namespaceOf(directory.id, machine.name)}`,
      'unshare',
      ...unshareFlags,
      'bash',
      initScript,
    ],
    {
      id: directory.id,
      role: roleOf(machine),
      logFile,
      env: {
        LAB_NAME: machine.name,
        LAB_DIR: directory.machine(machine.name),
        LAB_KVM: process.env['MVC_LAB_KVM'] ?? '',
      },
    },
  );
  await waitUntilReady(directory, machine, logFile);
}

/** Pulls the plug: every process of the machine ends at once. */
export async function stopMachine(directory: LabDirectory, machine: LabMachine): Promise<void> {
  const role = roleOf(machine);
  await killAll(
    () =>
      findProcesses(directory.id)
        .filter((each) => each.role === role)
        .map((each) => each.pid),
    `the machine ${machine.name}`,
  );
}

/** Process id of the machine's init as this host sees it, if it runs. */
export function machineInit(directory: LabDirectory, machine: LabMachine): number | undefined {
  const role = roleOf(machine);
  return findProcesses(directory.id).find((each) => each.role === role && each.innerPid === 1)?.pid;
}

/** @throws {Failure} NotFound if the machine does not run. */
export function requireInit(directory: LabDirectory, machine: LabMachine): number {
  const pid = machineInit(directory, machine);
  if (pid !== undefined) return pid;
  throw new Failure('NotFound', `the machine ${machine.name} does not run`, {
    help: '`mvc lab up` repairs what is missing',
  });
}

/** The argument list that runs a program inside the machine. @throws {Failure} NotFound if it does not run. */
export function insideMachine(
  directory: LabDirectory,
  machine: LabMachine,
  argv: readonly string[],
): [string, ...string[]] {
  const pid = requireInit(directory, machine);
  const target = ['--target', String(pid), '--mount', '--net', '--uts', '--ipc', '--pid'];
  return ['nsenter', ...target, '--wd', '--', ...argv];
}

export function hostKeyFile(directory: LabDirectory, machine: LabMachine): string {
  return join(directory.machine(machine.name), 'files/etc/ssh/ssh_host_ed25519_key.pub');
}

/** @returns whether it has booted and its services answer. */
export function isReady(directory: LabDirectory, machine: LabMachine): boolean {
  const pid = machineInit(directory, machine);
  if (pid === undefined) return false;
  const signs = ['lab-machine', 'sshd.pid'];
  if (machine.container !== undefined) signs.push('libvirt/libvirt-sock');
  return signs.every((sign) => existsSync(`/proc/${pid}/root/run/${sign}`));
}

function roleOf(machine: LabMachine): string {
  return `machine:${machine.name}`;
}

/** Writes what the machine finds on its disk at its first boot. */
async function layOut(directory: LabDirectory, machine: LabMachine): Promise<void> {
  const root = directory.machine(machine.name);
  if (existsSync(join(root, 'installed'))) return;
  await rm(root, { recursive: true, force: true });
  const file = async (path: string, content: string, mode = 0o644) => {
    const target = join(root, 'files', path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, content, { mode });
  };
  const hostKey = generateSshKey(machine.name);
  await file('etc/hosts', `127.0.0.1 localhost\n127.0.1.1 ${machine.name}\n`);
  await file('etc/hostname', `${machine.name}\n`);
  await file('etc/ssh/ssh_host_ed25519_key', hostKey.privateKey, 0o600);
  await file('etc/ssh/ssh_host_ed25519_key.pub', `${hostKey.publicKey}\n`);
  await file('etc/ssh/sshd_config', sshdConfig);
  await file('etc/service/sshd/run', '#!/bin/sh\nexec /usr/sbin/sshd -D\n', 0o755);
  if (machine.container === undefined) return;
  await file('etc/libvirt/libvirtd.conf', libvirtdConfig);
  await file('etc/libvirt/qemu.conf', qemuConfig);
  await file('etc/service/libvirtd/run', '#!/bin/sh\nexec /usr/sbin/libvirtd\n', 0o755);
}

async function waitUntilReady(
  directory: LabDirectory,
  machine: LabMachine,
  logFile: string,
): Promise<void> {
  const end = Date.now() + bootTimeoutMs;
  while (!isReady(directory, machine)) {
    if (Date.now() > end || machineEnded(directory, machine)) {
      const said = (await readFile(logFile, 'utf8')).trim().slice(-800);
      throw new Failure('CommandFailed', `the machine ${machine.name} does not start: ${said}`);
    }
    await sleep(100);
  }
}

function machineEnded(directory: LabDirectory, machine: LabMachine): boolean {
  const role = roleOf(machine);
  return !findProcesses(directory.id).some((each) => each.role === role);
}
