import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { parseInput } from '../domain/failure.ts';
import { accountSchema, ipv4Schema, portSchema } from '../domain/names.ts';
import { physicalFrontend } from '../domain/site.ts';
import { hostPolicySchema } from '../domain/site-verbs.ts';

const optionsSchema = z
  .strictObject({
    policy: hostPolicySchema,
    /** Unix account that is made for the controller. */
    account: accountSchema.default('mvc'),
    /** One line as in a `.pub` file. */
    publicKey: z
      .string()
      .trim()
      .max(4096)
      .regex(
        /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{20,}={0,2}(?: [A-Za-z0-9@._:+-]{1,200})?$/,
        'must be one public ssh key like `ssh-ed25519 AAAA… comment`',
      ),
    /** Physical frontend only: what may be reached through it. Nothing else may. */
    jumpTo: z
      .array(z.strictObject({ address: ipv4Schema, port: portSchema.default(22) }))
      .max(500)
      .default([]),
    /** Text of the bundled `mvc-site`. */
    program: z.string().startsWith('#!', 'must be the bundled mvc-site').max(16_000_000),
  })
  .refine((options) => isFrontend(options.policy.host) || options.jumpTo.length === 0, {
    path: ['jumpTo'],
    message: 'only the physical frontend lets connections through',
  });
export type PrepareOptions = z.input<typeof optionsSchema>;
type Checked = z.output<typeof optionsSchema>;

/**
 * The POSIX shell script that a site's administrator reads and then runs as root at one host: makes the
 * account and gives its key the right to run `mvc-site`, and nothing else. Safe to run again.
 *
 * @throws {Failure} BadInput naming each wrong value.
 */
export function renderPrepareScript(options: PrepareOptions): string {
  const checked = parseInput(optionsSchema, options, 'the preparation of a host');
  const { policy, account, program } = checked;
  const body = readFileSync(new URL('./prepare-host.sh', import.meta.url), 'utf8');
  return [
    '#!/bin/sh',
    `# Prepares the host ${hostNames(policy)} for the MVC controller. Run it as root; read it before.`,
    `# It installs packages that are missing, makes the account ${account}, installs`,
    '# /usr/local/lib/mvc/mvc-site, /etc/mvc (policy and key), /etc/sudoers.d/mvc and',
    `# /etc/ssh/sshd_config.d/mvc.conf, and makes the directory ${policy.pool}.`,
    '# Nothing else of the host is changed, and nobody may log in as root by it.',
    'set -eu',
    'umask 022',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'export PATH',
    '',
    `HOST=${quote(hostNames(policy))}`,
    `ACCOUNT=${quote(account)}`,
    `POOL=${quote(policy.pool)}`,
    `KEY_LINE=${quote(keyLine(checked))}`,
    `PROGRAM_SHA256=${quote(createHash('sha256').update(program).digest('hex'))}`,
    '',
    '# Programs and files that this host needs, with their Debian packages.',
    printing('needs', neededThings(isContainer(policy))),
    '# What the program may do here: its administrator decides, in this file.',
    printing('policy', JSON.stringify(policyToWrite(policy), undefined, 2)),
    printing('sshd_settings', sshdSettings(checked)),
    body,
    '# The program itself, one JavaScript file, compressed.',
    printing('program', base64Lines(gzipSync(program, { level: 9 }))),
    '# At the very end, so that a script that was cut on its way does nothing at all.',
    'main',
    '',
  ].join('\n');
}

/** Without what only the administrator writes: the script keeps that of the policy that is there. */
function policyToWrite({ outside, ...policy }: Checked['policy']) {
  return outside.length === 0 ? policy : { ...policy, outside };
}

function hostNames({ host, container }: Checked['policy']): string {
  return container === undefined ? host : `${host} and VM container ${container}`;
}

function isContainer({ host, container }: Checked['policy']): boolean {
  return !isFrontend(host) || container !== undefined;
}

function isFrontend(host: string): boolean {
  return host === physicalFrontend;
}

function keyLine({ publicKey, policy, jumpTo }: Checked): string {
  const options = ['restrict'];
  if (isFrontend(policy.host) && jumpTo.length > 0) options.push('port-forwarding');
  for (const target of jumpTo) options.push(`permitopen="${target.address}:${target.port}"`);
  options.push('command="sudo -n /usr/local/lib/mvc/mvc-site"');
  return `${options.join(',')} ${publicKey}`;
}

/** The second fence: were the key's line ever changed, sshd would still refuse what it refuses now. */
function sshdSettings({ account, jumpTo }: Checked): string {
  const targets = jumpTo.map((target) => `${target.address}:${target.port}`);
  return [
    '# Written by mvc site prepare.',
    `Match User ${account}`,
    '    AuthorizedKeysFile /etc/mvc/authorized_keys',
    '    AuthenticationMethods publickey',
    '    PasswordAuthentication no',
    '    KbdInteractiveAuthentication no',
    '    PermitTTY no',
    '    PermitUserRC no',
    '    PermitTunnel no',
    '    X11Forwarding no',
    '    AllowAgentForwarding no',
    '    AllowStreamLocalForwarding no',
    ...(targets.length > 0
      ? ['    AllowTcpForwarding local', `    PermitOpen ${targets.join(' ')}`]
      : ['    AllowTcpForwarding no']),
    '    # One connection carries many short questions at a time.',
    '    MaxSessions 100',
    'Match all',
  ].join('\n');
}

function neededThings(runsVms: boolean): string {
  const everywhere = [
    '/usr/bin/node nodejs',
    'supernode n2n',
    'nft nftables',
    'curl curl',
    'sudo sudo',
    'ip iproute2',
    'flock util-linux',
    '/usr/sbin/sshd openssh-server',
  ];
  const containers = [
    'libvirtd libvirt-daemon-system',
    'wg wireguard-tools',
    'dnsmasq dnsmasq-base',
    'virsh libvirt-clients',
    'qemu-system-x86_64 qemu-system-x86',
    'qemu-img qemu-utils',
    '/usr/lib/ipxe/qemu/pxe-virtio.rom ipxe-qemu',
    'mke2fs e2fsprogs',
  ];
  return [...everywhere, ...(runsVms ? containers : [])].join('\n');
}

/** A shell function that prints the text as it is: nothing in it is expanded. */
function printing(name: string, text: string): string {
  const end = 'END_OF_TEXT';
  if (text.split('\n').includes(end)) throw new Error(`${name} holds the line that would end it`);
  return `${name}() {\n  cat <<'${end}'\n${text}\n${end}\n}\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function base64Lines(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll(/.{1,76}(?=.)/g, '$&\n');
}
