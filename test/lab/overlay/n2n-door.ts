import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPolicySchema, siteVerbs } from '../../../src/domain/site-verbs.ts';
import { createLibvirtHost } from '../../../src/drivers/site/libvirt/host.ts';
import type { Host } from '../../../src/site/host.ts';
import { createSealKey } from '../../../src/site/seal-key.ts';
import { serveAt } from '../../../src/site/serve-request.ts';
import type { SiteDoor } from '../../../src/transport/site-door.ts';
import type { TestHost } from './hosts.ts';
import { policy } from './n2n-site.ts';

/** A host of the test as `mvc-site` sees it, with an empty pool of its own: no fence, a new sealing key. */
export async function createSiteHost(
  host: TestHost,
  role: Host['role'],
  name: string,
): Promise<Host & { close(): Promise<void> }> {
  const pool = await mkdtemp(join(host.directory, 'pool-'));
  const sealKey = createSealKey(pool);
  const checked = hostPolicySchema.parse({ ...policy, host: name, pool });
  const { shell, supervisor } = host;
  return {
    policy: checked,
    role,
    shell,
    sealKey,
    supervisor,
    supervisorKind: 'runit',
    vms: createLibvirtHost(shell, {
      pool,
      policy: checked,
      openSeed: (sealed, purpose) => sealKey.openSealed(sealed, purpose),
    }),
    close: () => rm(pool, { recursive: true }),
  };
}

/** Leads to hosts by the code of `mvc-site`, with its checks, fence and lock, but in this process. */
export function createSiteHostDoor(hosts: Record<string, Host>): SiteDoor {
  return {
    async call(name, verb, input, { operation } = {}) {
      const host = hosts[name];
      if (!host) throw new Error(`the door leads to no host ${name}`);
      const result = await serveAt(host, {
        request: { protocol: 1, verb, input, ...(operation ? { operation } : {}) },
        readBody: () => Promise.reject(new Error(`${verb} has no body here`)),
      });
      return siteVerbs[verb].output.parse(result) as never;
    },
  };
}
