import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { identitySecret } from '../domain/cluster.ts';
import { Failure, parseInput } from '../domain/failure.ts';
import type { LibvirtSite } from '../domain/site.ts';
import { userNameSchema } from '../domain/users.ts';
import type { Vm } from '../domain/vm.ts';
import { mvcHome, vaultKeyFile } from '../installation/home.ts';
import { userKeyFile, userPublicKey } from '../installation/user-key.ts';
import type { Database } from '../store/database.ts';
import { withStore } from './context.ts';
import { noSuchCluster } from './no-such-cluster.ts';

/** The ordinary user that every cluster has, and whose key this installation holds. */
export const ownUser = 'hpc';

/** How ssh's configuration calls the frontend VM. */
export const frontendHost = 'frontend';

/** Who logs in. Without a key of its own, the installation's for `hpc`, else what ssh finds for a person. */
export interface Login {
  user: string;
  identity?: string;
}

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

/**
 * Runs ssh or one of its relatives, to which the cluster's frontend VM is the host `frontend`. Its
 * input and output are this program's.
 *
 * @returns its exit code; 255 if it was ended by a signal.
 */
export async function runSshProgram(
  cluster: string,
  login: Login,
  program: 'ssh' | 'scp',
  args: string[],
): Promise<number> {
  parseInput(userNameSchema, login.user, `the user ${login.user}`);
  const target = await findTarget(cluster);
  if (login.user === ownUser) await userPublicKey(mvcHome());
  const directory = await mkdtemp(join(tmpdir(), 'mvc-ssh-'));
  try {
    await writeFile(join(directory, 'known_hosts'), knownHosts(target), { mode: 0o600 });
    const config = join(directory, 'config');
    await writeFile(config, sshConfig(target, login, directory), { mode: 0o600 });
    return await new Promise<number>((done, reject) => {
      const child = spawn(program, ['-F', config, ...args], { stdio: 'inherit' });
      child.once('error', reject);
      child.once('close', (code) => done(code ?? 255));
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function findTarget(cluster: string): Promise<Target> {
  return withStore(async (db) => {
    const { listVms } = await import('../store/vms.ts');
    const { findSite } = await import('../store/sites.ts');
    const frontend = (await listVms(db, cluster)).find((vm) => vm.role === 'frontend');
    if (!frontend) throw noSuchCluster(cluster);
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

function knownHosts({ hostKey }: Target): string {
  return `mvc-frontend ${hostKey}\n`;
}

/**
 * The way through the physical frontend is our own (`mvc ssh-tunnel`), which knows the site's pinned
 * host key. Names and addresses are checked by their schemas; the paths are this program's own.
 */
function sshConfig({ site, frontend }: Target, login: Login, directory: string): string {
  const address = frontend.siteInterface?.address ?? '';
  const tunnel = `"${process.execPath}" "${process.argv[1] ?? ''}" ssh-tunnel ${site.name} ${address}`;
  return [
    `Host ${frontendHost}`,
    `  HostName ${address}`,
    `  User ${login.user}`,
    ...identityLines(login),
    '  HostKeyAlias mvc-frontend',
    '  StrictHostKeyChecking yes',
    `  UserKnownHostsFile "${join(directory, 'known_hosts')}"`,
    `  ProxyCommand ${tunnel}`,
    '  ServerAliveInterval 15',
    '  LogLevel ERROR',
    '',
  ].join('\n');
}

function identityLines({ user, identity }: Login): string[] {
  const file = identity ?? (user === ownUser ? userKeyFile(mvcHome()) : undefined);
  if (file === undefined) return [];
  if (/["\n]/.test(file)) throw new Failure('BadInput', `${file} is no usable name of a key file`);
  return [`  IdentityFile "${resolve(file)}"`, '  IdentitiesOnly yes'];
}
