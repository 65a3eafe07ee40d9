import type { Mark } from '../../domain/mark.ts';
import type { OwnedThing } from '../../domain/site.ts';
import { listInterfaces } from '../../drivers/overlay/interfaces.ts';
import { listMarkedTables } from '../../drivers/overlay/nft-tables.ts';
import type { Host } from '../host.ts';
import type { VerbCall } from '../verb-handler.ts';

/**
 * Everything here that carries the mark. Images carry none: they are a cache of the host. A machine that
 * is two hosts tells of nothing twice: as the VM container it names its VMs, as the physical frontend
 * all else.
 */
export async function owned(
  host: Host,
  { input }: VerbCall<'owned'>,
): Promise<{ things: OwnedThing[] }> {
  const vms = host.role === 'vmContainer' ? await host.vms.owned(input) : [];
  if (host.role === 'vmContainer' && host.policy.container !== undefined) return { things: vms };
  const [services, interfaces, tables] = await Promise.all([
    host.supervisor.describe('mvc-'),
    listInterfaces(host.shell),
    listMarkedTables(host.shell),
  ]);
  const things = (kind: OwnedThing['kind'], found: { name: string; mark?: Mark }[]) =>
    found.flatMap(({ name, mark }) => {
      const ours = mark?.installation === input.installation;
      const wanted = input.clusterId === undefined || mark?.clusterId === input.clusterId;
      return ours && wanted ? [{ host: host.policy.host, kind, name, ...mark }] : [];
    });
  return {
    things: [
      ...vms,
      ...things('service', services),
      ...things('interface', interfaces),
      ...things('firewall', tables),
    ],
  };
}
