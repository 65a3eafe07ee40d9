import { existsSync } from 'node:fs';
import { physicalFrontend } from '../domain/site.ts';
import type { HostPolicy } from '../domain/site-verbs.ts';
import type { Supervisor } from '../drivers/supervisor/supervisor.ts';
import { createLocalShell } from '../transport/local-shell.ts';
import type { Shell } from '../transport/shell.ts';
import { createSealKey, type SealKey } from './seal-key.ts';
import { createVmHost, type VmHost } from './vm-host.ts';

/** This host, as the verbs see it. */
export interface Host {
  policy: HostPolicy;
  role: 'physicalFrontend' | 'vmContainer';
  shell: Shell;
  sealKey: SealKey;
  vms: VmHost;
  supervisorKind: 'systemd' | 'runit';
}

/** The caller's environment reaches no program that we start. */
export const siteEnvironment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  HOME: '/root',
};

export function createHost(policy: HostPolicy): Host {
  const shell = createLocalShell({ env: siteEnvironment });
  const sealKey = createSealKey(policy.pool);
  return {
    policy,
    role: policy.host === physicalFrontend ? 'physicalFrontend' : 'vmContainer',
    shell,
    sealKey,
    vms: createVmHost(),
    supervisorKind: existsSync('/run/systemd/system') ? 'systemd' : 'runit',
  };
}
