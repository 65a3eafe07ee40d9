import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalShell } from '../../../src/transport/local-shell.ts';
import type { Shell } from '../../../src/transport/shell.ts';

/** A machine of its own (mounts, network, processes) with a real libvirtd. Needs root. */
export interface LibvirtMachine {
  /** Runs programs inside. */
  shell: Shell;
  /** A directory that inside and outside see alike. */
  directory: string;
  stop(): Promise<void>;
}

/**
 * Process 1 of the machine. A fresh /sys has no cgroups, so that several libvirtd do not meet; a /dev
 * without kvm, since a device that hangs would stop them all.
 */
const init = String.raw`
set -e
umount -R /sys 2>/dev/null || umount -l /sys
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/libvirt /run/lock
mount -t tmpfs -o mode=755,size=64k dev /mnt
for x in null zero full random urandom tty; do cp -a /dev/$x /mnt/; done
mkdir /mnt/net /mnt/pts /mnt/shm
mknod -m 666 /mnt/net/tun c 10 200
mount --bind /dev/pts /mnt/pts
ln -s pts/ptmx /mnt/ptmx
mount -t tmpfs shm /mnt/shm
ln -s /proc/self/fd /mnt/fd
mount --move /mnt /dev
mkdir -p "$DIRECTORY"/etc/qemu/networks "$DIRECTORY"/lib "$DIRECTORY"/log "$DIRECTORY"/cache
mkdir -p /var/lib/libvirt /var/log/libvirt /var/cache/libvirt
cat > "$DIRECTORY"/etc/libvirtd.conf <<'CONF'
auth_unix_rw = "none"
log_outputs = "2:file:/var/log/libvirt/libvirtd.log"
CONF
cat > "$DIRECTORY"/etc/qemu.conf <<'CONF'
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
CONF
mount --bind "$DIRECTORY"/etc /etc/libvirt
mount --bind "$DIRECTORY"/lib /var/lib/libvirt
mount --bind "$DIRECTORY"/log /var/log/libvirt
mount --bind "$DIRECTORY"/cache /var/cache/libvirt
ip link set lo up
for n in 0 1 2 3; do ip link add bc0ffee12-$n type bridge; ip link set bc0ffee12-$n up; done
ip link add lan0 type bridge
libvirtd -d
chmod 711 "$DIRECTORY"
touch "$DIRECTORY"/booted
while :; do sleep 3600 & wait $!; done
`;

export async function startLibvirtMachine(): Promise<LibvirtMachine> {
  const directory = await mkdtemp(join(tmpdir(), 'mvc-machine-'));
  const namespaces = ['-m', '-n', '-u', '-i', '-p', '-f', '--mount-proc', '--kill-child'];
  const holder = spawn('unshare', [...namespaces, '--propagation', 'private', 'bash', '-c', init], {
    env: { ...process.env, DIRECTORY: directory },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => holder.once('exit', () => resolve()));
  const stop = async () => {
    holder.kill('SIGKILL');
    await ended;
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const pid = await untilBooted(holder.pid!, directory, ended);
    const shell = insideOf(pid);
    await untilLibvirtAnswers(shell);
    return { shell, directory, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function insideOf(pid: string): Shell {
  const local = createLocalShell();
  const enter = ['nsenter', '-t', pid, '-m', '-n', '-u', '-i', '-p', '--'] as const;
  return { run: (argv, options) => local.run([...enter, ...argv], options) };
}

async function untilBooted(
  unshare: number,
  directory: string,
  ended: Promise<void>,
): Promise<string> {
  const dead = ended.then(() => Promise.reject(new Error('the machine ended while it started')));
  dead.catch(() => undefined);
  for (let tries = 0; tries < 200; tries += 1) {
    const booted = await readFile(join(directory, 'booted')).then(
      () => true,
      () => false,
    );
    if (booted) {
      const children = await readFile(`/proc/${unshare}/task/${unshare}/children`, 'utf8');
      return children.trim();
    }
    await Promise.race([sleep(100), dead]);
  }
  throw new Error('the machine did not start within 20 s');
}

async function untilLibvirtAnswers(shell: Shell): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const { exitCode } = await shell.run(['virsh', '-c', 'qemu:///system', 'list']);
    if (exitCode === 0) return;
    await sleep(200);
  }
  throw new Error('libvirtd does not answer');
}
