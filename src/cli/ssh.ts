import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { identitySecret } from '../domain/cluster.ts';
import { Failure } from '../domain/failure.ts';
import type { LibvirtSite } from '../domain/site.ts';
import type { Vm } from '../domain/vm.ts';
import { mvcHome, vaultKeyFile } from '../installation/home.ts';
import type { Database } from '../store/database.ts';
import { userKeyFile, userPublicKey } from '../installation/user-key.ts';
import { withStore } from './context.ts';

/** The ordinary user of every cluster. */
const clusterUser = 'hpc';

/** The part of a cluster's keys that is needed here. */
const identitySchema = z.object({
  hostKeys: z.object({ frontend: z.object({ publicKey: z.string() }) }),
});

interface Target {
  site: LibvirtSite;
  frontend: Vm;
  /** The frontend VM's public host key: we made it, so it is known before the first login. */
  hostKey: string;
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
    return { site, frontend, hostKey: await frontendHostKey(db, cluster) };
  });
}

async function frontendHostKey(db: Database, cluster: string): Promise<string> {
  const { getSecret } = await import('../store/secrets.ts');
  const { openVault } = await import('../secrets/vault.ts');
  const vault = await openVault(vaultKeyFile(mvcHome()));
  const owner = { kind: 'cluster', name: cluster } as const;
  const identity = await getSecret(db, vault, owner, identitySecret);
  return identitySchema.parse(JSON.parse(identity.toString('utf8'))).hostKeys.frontend.publicKey;
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

function knownHosts({ hostKey }: Target): string {
  return `mvc-frontend ${hostKey}\n`;
}

/**
 * The way through the physical frontend is our own (`mvc ssh-tunnel`), which knows the site's pinned
 * host key. Names and addresses are checked by their schemas; the paths are this program's own.
 */
function sshConfig({ site, frontend }: Target, directory: string): string {
  const address = frontend.siteInterface?.address ?? '';
  const tunnel = `"${process.execPath}" "${process.argv[1] ?? ''}" ssh-tunnel ${site.name} ${address}`;
  return [
    'Host frontend',
    `  HostName ${address}`,
    `  User ${clusterUser}`,
    `  IdentityFile "${userKeyFile(mvcHome())}"`,
    '  IdentitiesOnly yes',
    '  HostKeyAlias mvc-frontend',
    '  StrictHostKeyChecking yes',
    `  UserKnownHostsFile "${join(directory, 'known_hosts')}"`,
    `  ProxyCommand ${tunnel}`,
    '  ServerAliveInterval 15',
    '  LogLevel ERROR',
    '',
  ].join('\n');
}

/** `mvc ssh-tunnel`: used by ssh itself, as its way through a site's physical frontend. */
export function sshTunnelCommand(): Command {
  return new Command('ssh-tunnel')
    .description('connect stdin and stdout to port 22 of a VM through its site (used by mvc ssh)')
    .argument('<site>')
    .argument('<address>')
    .action(async (name: string, address: string) => {
      const found = await withStore(async (db) =>
        (await import('../store/sites.ts')).findSite(db, name),
      );
      if (found?.site.kind !== 'libvirt')
        throw new Failure('NotFound', `there is no site ${name} that ssh reaches`);
      const { createSshDoor } = await import('../transport/ssh-door.ts');
      const door = createSshDoor(found.site);
      try {
        const tunnel = await door.openTunnel(address, 22);
        await Promise.race([pipeline(process.stdin, tunnel), pipeline(tunnel, process.stdout)]);
      } finally {
        door.close();
      }
    });
}
