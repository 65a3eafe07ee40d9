import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { physicalFrontend } from '../domain/site.ts';
import type { HostPolicy } from '../domain/site-verbs.ts';
import { createLibvirtHost, type LibvirtHost } from '../drivers/site/libvirt/host.ts';
import { createRunitSupervisor } from '../drivers/supervisor/runit.ts';
import type { Supervisor } from '../drivers/supervisor/supervisor.ts';
import { createSystemdSupervisor } from '../drivers/supervisor/systemd.ts';
import { createLocalShell } from '../transport/local-shell.ts';
import type { Shell } from '../transport/shell.ts';
import { createSealKey, type SealKey } from './seal-key.ts';

/** This host, as the verbs see it. */
export interface Host {
  policy: HostPolicy;
  role: 'physicalFrontend' | 'vmContainer';
  shell: Shell;
  sealKey: SealKey;
  vms: LibvirtHost;
  supervisor: Supervisor;
  supervisorKind: 'systemd' | 'runit';
}

/** The caller's environment reaches no program that we start. */
const siteEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  HOME: '/root',
};

export async function createHost(policy: HostPolicy): Promise<Host> {
  const { pool } = policy;
  // QEMU and the image server must pass through it; what is secret in it is closed by itself.
  await mkdir(pool, { recursive: true, mode: 0o755 });
  const shell = createSiteShell();
  const sealKey = createSealKey(pool);
  const supervisorKind = existsSync('/run/systemd/system') ? 'systemd' : 'runit';
  const root = join(pool, 'services');
  return {
    policy,
    role: policy.host === physicalFrontend ? 'physicalFrontend' : 'vmContainer',
    shell,
    sealKey,
    vms: createLibvirtHost(shell, {
      pool,
      policy,
      openSeed: (sealed, purpose) => sealKey.openSealed(sealed, purpose),
    }),
    supervisorKind,
    supervisor:
      supervisorKind === 'systemd'
        ? createSystemdSupervisor({ shell, unitDirectory: '/etc/systemd/system', root })
        : createRunitSupervisor({ shell, scanDirectory: '/etc/service', root }),
  };
}

export function createSiteShell(): Shell {
  return createLocalShell({ env: siteEnvironment });
}
