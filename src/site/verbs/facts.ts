import type { HostFacts } from '../../domain/site.ts';
import { ensureLinkKey } from '../../drivers/overlay/routed/link-key.ts';
import { surveyTools } from '../facts/tools.ts';
import type { Host } from '../host.ts';

export async function facts(host: Host): Promise<HostFacts> {
  const isContainer = host.role === 'vmContainer';
  const [sealKey, linkKey, survey, vms] = await Promise.all([
    host.sealKey.publicKey(),
    isContainer ? ensureLinkKey(host.policy.pool) : undefined,
    surveyTools(host.shell, host.role, host.supervisorKind),
    isContainer ? surveyVms(host) : { domains: [] },
  ]);
  return {
    host: host.policy.host,
    sealKey,
    ...(linkKey ? { linkKey: linkKey.public } : {}),
    ...survey,
    ...vms,
  };
}

async function surveyVms(host: Host): Promise<Pick<HostFacts, 'capacity' | 'domains'>> {
  const [capacity, domains] = await Promise.all([host.vms.capacity(), host.vms.domains()]);
  return { capacity, domains };
}
