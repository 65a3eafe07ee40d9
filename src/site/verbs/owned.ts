import type { Mark } from '../../domain/mark.ts';
import type { OwnedThing } from '../../domain/site.ts';
import { listInterfaces } from '../../drivers/overlay/interfaces.ts';
import { listMarkedTables } from '../../drivers/overlay/nft-tables.ts';
import type { Host } from '../host.ts';
import type { VerbCall } from '../verb-handler.ts';

/** Everything here that carries the mark. Images carry none: they are a cache of the host. */
export async function owned(
  host: Host,
  { input }: VerbCall<'owned'>,
): Promise<{ things: OwnedThing[] }> {
  const [services, interfaces, tables, vms] = await Promise.all([
    host.supervisor.describe('mvc-'),
    listInterfaces(host.shell),
    listMarkedTables(host.shell),
    host.role === 'vmContainer' ? host.vms.owned(input) : [],
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
