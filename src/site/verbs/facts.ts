import type { HostFacts } from '../../domain/site.ts';
import { surveyTools } from '../facts/tools.ts';
import type { Host } from '../host.ts';

export async function facts(host: Host): Promise<HostFacts> {
  const [sealKey, survey, vms] = await Promise.all([
    host.sealKey.publicKey(),
    surveyTools(host.shell, host.role, host.supervisorKind),
    host.role === 'vmContainer' ? surveyVms(host) : { domains: [] },
  ]);
  return { host: host.policy.host, sealKey, ...survey, ...vms };
}

async function surveyVms(host: Host): Promise<Pick<HostFacts, 'capacity' | 'domains'>> {
  const [capacity, domains] = await Promise.all([host.vms.capacity(), host.vms.domains()]);
  return { capacity, domains };
}
