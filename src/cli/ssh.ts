import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { Failure } from '../domain/failure.ts';
import type { LibvirtSite } from '../domain/site.ts';
import type { Vm } from '../domain/vm.ts';
import { mvcHome } from '../installation/home.ts';
import { userKeyFile, userPublicKey } from '../installation/user-key.ts';
import { withStore } from './context.ts';

/** The ordinary user of every cluster. */
const clusterUser = 'hpc';

interface Target {
  site: LibvirtSite;
  frontend: Vm;
  /** Public host keys as known_hosts has them, without the name. */
  hostKeys: { frontend: string; site: string };
}

/** `mvc ssh <cluster> [-- command]` */
export function sshCommand(): Command {
  return new Command('ssh')
    .description("log in to a cluster's frontend VM as its ordinary user, or run a command there")
    .argument('<cluster>')
    .argument('[command...]', 'run this instead of a shell (after --)')
    .addHelpText('after', '\nExamples:\n  mvc ssh demo\n  mvc ssh demo -- srun -N3 hostname\n')
    .action(async (cluster: string, command: string[]) => {
      const target = await findTarget(cluster);
      await userPublicKey(mvcHome());
      process.exitCode = await runSsh(target, command);
    });
}

async function findTarget(cluster: string): Promise<Target> {
  return withStore(async (db) => {
    const { listVms } = await import('../store/vms.ts');
    const { findSite } = await import('../store/sites.ts');
    const frontend = (await listVms(db, cluster)).find((vm) => vm.role === 'frontend');
    if (!frontend) {
      throw new Failure('NotFound', `there is no cluster ${cluster}`, {
        help: '`mvc list` shows the clusters',
      });
    }
    const site = (await findSite(db, frontend.site))?.site;
    if (site?.kind !== 'libvirt') {
      throw new Failure(
        'BadInput',
        `the frontend VM of ${cluster} exists in memory only: nobody can log in there`,
      );
    }
    return {
      site,
      frontend,
      hostKeys: { frontend: await frontendHostKey(db, cluster), site: await siteHostKey(site) },
    };
  });
}

async function frontendHostKey(
  db: Parameters<typeof import('../store/secrets.ts').getSecret>[0],
  cluster: string,
): Promise<string> {
  const { clusterIdentity } = await import('../store/identity.ts');
  const { openVault } = await import('../secrets/vault.ts');
  const vault = await openVault(join(mvcHome().secrets, 'vault-key'));
  const identity = await clusterIdentity(db, vault, cluster);
  if (!identity) {
    throw new Failure('NotFound', `cluster ${cluster} has no frontend VM yet`, {
      help: `\`mvc watch ${cluster}\` shows the build`,
    });
  }
  return identity.hostKeys.frontend.publicKey;
}

/** The site's key as known_hosts needs it; ssh knows only whole keys, we know its pinned fingerprint. */
async function siteHostKey(site: LibvirtSite): Promise<string> {
  const { fetchHostKey } = await import('../transport/ssh-key.ts');
  const { address, port, hostKey } = site.frontend;
  return fetchHostKey({ address, port, expected: hostKey });
}

async function runSsh(target: Target, command: string[]): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'mvc-ssh-'));
  try {
    await writeFile(join(directory, 'known_hosts'), knownHosts(target), { mode: 0o600 });
    await writeFile(join(directory, 'config'), sshConfig(target, directory), { mode: 0o600 });
    // ssh joins the words of a remote command with blanks, as its users expect.
    const argv = [
      '-F',
      join(directory, 'config'),
      'frontend',
      ...(command.length > 0 ? ['--', ...command] : []),
    ];
    return await new Promise<number>((resolve, reject) => {
      const child = spawn('ssh', argv, { stdio: 'inherit' });
      child.once('error', reject);
      child.once('close', (code) => resolve(code ?? 255));
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function knownHosts({ hostKeys }: Target): string {
  return `mvc-frontend ${hostKeys.frontend}\nmvc-site ${hostKeys.site}\n`;
}

/** Every value is checked by the schemas of sites and VMs: none holds a blank, quote or newline but the paths. */
function sshConfig({ site, frontend }: Target, directory: string): string {
  const common = [
    '  StrictHostKeyChecking yes',
    `  UserKnownHostsFile "${join(directory, 'known_hosts')}"`,
    '  IdentitiesOnly yes',
    '  ServerAliveInterval 15',
    '  LogLevel ERROR',
  ];
  return [
    'Host frontend',
    `  HostName ${frontend.siteInterface?.address ?? ''}`,
    `  User ${clusterUser}`,
    `  IdentityFile "${userKeyFile(mvcHome())}"`,
    '  HostKeyAlias mvc-frontend',
    '  ProxyJump site',
    ...common,
    'Host site',
    `  HostName ${site.frontend.address}`,
    `  Port ${site.frontend.port}`,
    `  User ${site.frontend.user}`,
    `  IdentityFile "${site.key}"`,
    '  HostKeyAlias mvc-site',
    ...common,
    '',
  ].join('\n');
}
