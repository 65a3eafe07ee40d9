import { dhcpHost, dhcpOptions } from '../domain/boot-options.ts';
import { imageFiles } from './image-files.ts';
import type { Account, Cluster, Roll } from './roll.ts';
import { directory, file, link, type TarEntry } from './tar.ts';

/** Owns what the frontend hands out; its HTTP server runs under it. */
export const mvcAccount: Account = {
  name: 'mvc',
  id: 811,
  home: '/var/lib/mvc',
  shell: '/usr/sbin/nologin',
};

/** The ordinary user of a cluster. */
const userAccount: Account = { name: 'hpc', id: 1000, home: '/home/hpc', shell: '/bin/bash' };

/** What systemd would run at each start to find units for things that a VM does not have. */
const idleGenerators = [
  'systemd-bless-boot-generator',
  'systemd-cryptsetup-generator',
  'systemd-getty-generator',
  'systemd-gpt-auto-generator',
  'systemd-hibernate-resume-generator',
  'systemd-integritysetup-generator',
  'systemd-rc-local-generator',
  'systemd-system-update-generator',
  'systemd-sysv-generator',
  'systemd-veritysetup-generator',
];

const sshHome = 'home/hpc/.ssh';

/** The operating system, ssh, the guest agent, and what boots the computes. */
export const baseRoll: Roll = {
  name: 'base',
  summary: 'Debian, ssh, guest agent; DHCP, DNS and HTTP for the computes',
  packages: [
    'systemd',
    'systemd-sysv',
    'dbus',
    'openssh-server',
    'openssh-client',
    'qemu-guest-agent',
    'busybox-static',
    'dnsmasq-base',
    'iproute2',
    'iputils-ping',
    'kmod',
    'procps',
    'jq',
    'less',
    'nano',
  ],
  accounts: [mvcAccount, userAccount],
  image: [
    directory('home/hpc', { owner: userAccount.id, mode: 0o750 }),
    directory('var/lib/mvc', { owner: mvcAccount.id }),
    ...['armed', 'armed-at', 'fetched-at'].map((name) =>
      directory(`var/lib/mvc/boot/${name}`, { owner: mvcAccount.id }),
    ),
    directory('var/log/mvc', { owner: mvcAccount.id }),
    ...idleGenerators.map((name) => link(`etc/systemd/system-generators/${name}`, '/dev/null')),
    ...imageFiles('base'),
  ],
  services: {
    frontend: ['ssh', 'qemu-guest-agent', 'dnsmasq', 'mvc-httpd'],
    compute: ['ssh', 'qemu-guest-agent'],
  },
  // Without udev, a login on the console, timers and a disk of its own, a VM needs none of these.
  masked: [
    'apt-daily.timer',
    'apt-daily-upgrade.timer',
    'dpkg-db-backup.timer',
    'e2scrub_all.timer',
    'e2scrub_reap.service',
    'fstrim.timer',
    'systemd-tmpfiles-clean.timer',
    'getty.target',
    'modprobe@.service',
    'kmod-static-nodes.service',
    'dev-hugepages.mount',
    'dev-mqueue.mount',
    'sys-kernel-debug.mount',
    'sys-kernel-tracing.mount',
    'systemd-binfmt.service',
    'systemd-boot-system-token.service',
    'systemd-firstboot.service',
    'systemd-fsck-root.service',
    'systemd-journal-flush.service',
    'systemd-logind.service',
    'systemd-machine-id-commit.service',
    'systemd-modules-load.service',
    'systemd-pstore.service',
    'systemd-random-seed.service',
    'systemd-remount-fs.service',
    'systemd-sysctl.service',
    'systemd-sysusers.service',
    'systemd-tmpfiles-setup.service',
    'systemd-tmpfiles-setup-dev.service',
    'systemd-update-utmp.service',
    'systemd-update-utmp-runlevel.service',
  ],
  frontendFiles: (cluster) => [
    file('etc/hostname', 'frontend\n'),
    file('etc/hosts', `127.0.0.1 localhost\n${hostLine(cluster, cluster.frontend)}`),
    file('etc/mvc/frontend.env', frontendEnvironment(cluster)),
    file('etc/dnsmasq.conf', dnsmasqConfig(cluster)),
    ...identity(cluster, cluster.secrets.hostKeys.frontend),
    file(`${sshHome}/id_ed25519.pub`, line(cluster.secrets.userKey.publicKey), {
      owner: userAccount.id,
    }),
  ],
  nodeListFiles: (cluster) => [
    file('etc/mvc/hosts', cluster.vms.map((vm) => hostLine(cluster, vm)).join('')),
    file('etc/mvc/dhcp-hosts', cluster.computes.map(dhcpHost).join('')),
  ],
  computeFiles: (cluster) => [
    // The frontend's name must not need a question across the WAN.
    file('etc/hosts', `127.0.0.1 localhost\n${hostLine(cluster, cluster.frontend)}`),
    ...identity(cluster, cluster.secrets.hostKeys.compute),
  ],
};

/** Who this machine is to others, who may log in, and how it knows the other machines. */
function identity(cluster: Cluster, hostKey: { privateKey: string; publicKey: string }) {
  const { userKey } = cluster.secrets;
  const own = { owner: userAccount.id, mode: 0o600 };
  return [
    file('etc/ssh/ssh_host_ed25519_key', line(hostKey.privateKey), { mode: 0o600 }),
    file('etc/ssh/ssh_host_ed25519_key.pub', line(hostKey.publicKey)),
    file('etc/ssh/ssh_known_hosts', knownHosts(cluster)),
    file('etc/resolv.conf', `search ${cluster.domain}\nnameserver ${cluster.frontend.address}\n`),
    directory(sshHome, { owner: userAccount.id, mode: 0o700 }),
    file(`${sshHome}/authorized_keys`, [userKey.publicKey, ...cluster.sshKeys].map(line).join(''), {
      ...own,
    }),
    file(`${sshHome}/id_ed25519`, line(userKey.privateKey), own),
  ] satisfies TarEntry[];
}

function knownHosts({ frontend, domain, secrets: { hostKeys } }: Cluster): string {
  const key = (publicKey: string) => publicKey.trim().split(' ').slice(0, 2).join(' ');
  return (
    `frontend,frontend.${domain},${frontend.address} ${key(hostKeys.frontend.publicKey)}\n` +
    `compute-* ${key(hostKeys.compute.publicKey)}\n`
  );
}

function hostLine({ domain }: Cluster, vm: { name: string; address: string }): string {
  return `${vm.address} ${vm.name} ${vm.name}.${domain}\n`;
}

function frontendEnvironment({ frontend, cluster, domain }: Cluster): string {
  return `ADDRESS=${frontend.address}\nSITE=${frontend.site}\nCLUSTER=${cluster}\nDOMAIN=${domain}\n`;
}

function dnsmasqConfig(cluster: Cluster): string {
  const { frontend, domain, network, mtu, siteNetwork } = cluster;
  const lines = [
    '# Written by the controller; replaced at each boot.',
    'interface=eth0',
    'except-interface=lo',
    'bind-interfaces',
    'no-resolv',
    'no-hosts',
    'addn-hosts=/etc/mvc/hosts',
    `domain=${domain}`,
    `local=/${domain}/`,
    'domain-needed',
    'bogus-priv',
    ...(siteNetwork?.dns === undefined ? [] : [`server=${siteNetwork.dns}`]),
    ...dhcpOptions(network, mtu, frontend.address),
    'dhcp-leasefile=/run/dnsmasq.leases',
    '# Read again at SIGHUP, as the hosts are: the computes may change while this runs.',
    'dhcp-hostsfile=/etc/mvc/dhcp-hosts',
  ];
  return lines.map(line).join('');
}

function line(text: string): string {
  return `${text.trim()}\n`;
}
