import { existsSync } from 'node:fs';
import { Failure } from '../domain/failure.ts';

/** Program (or file) → Debian package, for the lab itself and for what runs inside its machines. */
const needed: [string, string][] = [
  ['vde_switch', 'vde2'],
  ['wirefilter', 'vde2'],
  ['socat', 'socat'],
  ['ip', 'iproute2'],
  ['nft', 'nftables'],
  ['nsenter', 'util-linux'],
  ['unshare', 'util-linux'],
  ['flock', 'util-linux'],
  ['sysctl', 'procps'],
  ['/usr/bin/node', 'nodejs'],
  ['sshd', 'openssh-server'],
  ['ssh-keygen', 'openssh-client'],
  ['sudo', 'sudo'],
  ['runsvdir', 'runit'],
  ['supernode', 'n2n'],
  ['curl', 'curl'],
  ['libvirtd', 'libvirt-daemon-system'],
  ['virsh', 'libvirt-clients'],
  ['qemu-system-x86_64', 'qemu-system-x86'],
  ['qemu-img', 'qemu-utils'],
  ['/usr/lib/ipxe/qemu/pxe-virtio.rom', 'ipxe-qemu'],
  ['mke2fs', 'e2fsprogs'],
];
const searched = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Failure('AccessDenied', 'the lab makes network namespaces and mounts: only root can', {
    help: 'run the same command with sudo',
  });
}

/** @throws {Failure} MissingTool, naming every package that is missing. */
export function requirePrograms(): void {
  const missing = needed.filter(([name]) => !isPresent(name)).map(([, name]) => name);
  if (missing.length === 0) return;
  const packages = [...new Set(missing)].join(' ');
  throw new Failure('MissingTool', `the lab needs packages that are not installed: ${packages}`, {
    help: `apt-get install --no-install-recommends ${packages}`,
  });
}

function isPresent(name: string): boolean {
  if (name.startsWith('/')) return existsSync(name);
  return searched.some((directory) => existsSync(`${directory}/${name}`));
}
