import { sql, type RawBuilder } from 'kysely';
import { Failure } from '../domain/failure.ts';
import type { Database } from './database.ts';
import type { Violation } from './transaction.ts';

/** Another cluster was first with what this plan wanted: a new plan will differ. */
export class AllocationTaken extends Failure {
  constructor(message: string, cause: unknown) {
    super('Conflict', message, { help: 'plan again: another choice is free', cause });
  }
}

interface Clash {
  /** What was wanted, from the values that PostgreSQL names. */
  wanted: (values: string[]) => string;
  /** Query for the cluster that has it, as column `holder`. */
  holder: (values: string[]) => RawBuilder<{ holder: string }>;
  /** Follows from the cluster's name: planning again gives the same. */
  lasting?: true;
}

/** Constraint → what it means to the user. The names are those in migrations/. */
const clashes: Record<string, Clash> = {
  cluster_network_overlap: {
    wanted: ([network]) => `network ${network} overlaps the network`,
    holder: ([network]) =>
      sql`SELECT name || ' (' || network || ')' AS holder FROM cluster WHERE network && ${network}::cidr`,
  },
  cluster_id_key: {
    wanted: ([id]) => `cluster id ${id} is that`,
    holder: ([id]) => sql`SELECT name AS holder FROM cluster WHERE id = ${id}`,
  },
  network_interface_pkey: {
    wanted: ([mac]) => `MAC ${mac} belongs to a VM`,
    holder: ([mac]) => sql`SELECT cluster AS holder FROM network_interface WHERE mac = ${mac}`,
  },
  network_interface_overlay_address: {
    wanted: ([address]) => `address ${address} belongs to a VM`,
    holder: ([address]) =>
      sql`SELECT cluster AS holder FROM network_interface WHERE address = ${address}::inet AND kind = 'overlay'`,
  },
  network_interface_site_address: {
    wanted: ([site, address]) => `address ${address} of site ${site} belongs to the frontend`,
    holder: ([site, address]) =>
      sql`SELECT cluster AS holder FROM network_interface
           WHERE site = ${site} AND address = ${address}::inet AND kind = 'site'`,
  },
  udp_port_pkey: {
    wanted: ([site, port]) => `UDP port ${port} of site ${site} is in use by the overlay`,
    holder: ([site, port]) =>
      sql`SELECT cluster AS holder FROM udp_port WHERE site = ${site} AND port = ${port}::integer`,
  },
  overlay_community_key: {
    wanted: ([community]) => `overlay community ${community} is that`,
    holder: ([community]) =>
      sql`SELECT cluster AS holder FROM overlay WHERE community = ${community}`,
  },
  edge_tap_key: {
    wanted: ([site, container, tap]) => `tap ${tap} at ${site}/${container} is an edge`,
    holder: ([site, container, tap]) =>
      sql`SELECT cluster AS holder FROM edge WHERE site = ${site} AND container = ${container} AND tap = ${tap}`,
  },
  edge_bridge_key: {
    wanted: ([site, container, bridge]) => `bridge ${bridge} at ${site}/${container} is an edge's`,
    holder: ([site, container, bridge]) =>
      sql`SELECT cluster AS holder FROM edge WHERE site = ${site} AND container = ${container} AND bridge = ${bridge}`,
  },
  vm_domain_key: {
    lasting: true,
    wanted: ([site, domain]) => `domain name ${domain} at site ${site} belongs to a VM`,
    holder: ([site, domain]) =>
      sql`SELECT cluster AS holder FROM vm WHERE site = ${site} AND domain = ${domain}`,
  },
};

/** The site or VM container of a plan is not registered (any more). */
const missingPlace: Record<string, string> = {
  cluster_site_site_fkey: 'a site of it',
  vm_container_fkey: 'a VM container of it',
};

/** Makes a sentence of a constraint that recording a plan has broken. */
export async function explainClash(
  db: Database,
  cluster: string,
  violation: Violation,
  cause: unknown,
): Promise<Failure> {
  const { constraint, values } = violation;
  const clash = clashes[constraint];
  if (clash && values.length > 0) {
    const { rows } = await clash.holder(values).execute(db);
    const whose = rows[0] ? `of cluster ${rows[0].holder}` : 'of a cluster that is gone by now';
    const message = `cluster ${cluster} cannot be recorded: ${clash.wanted(values)} ${whose}`;
    return clash.lasting
      ? new Failure('Conflict', message, { help: 'choose another cluster name', cause })
      : new AllocationTaken(message, cause);
  }
  const place = missingPlace[constraint];
  if (place !== undefined) {
    return new Failure(
      'Conflict',
      `cluster ${cluster} cannot be recorded: ${place} (${values.join('/')}) is not registered`,
      { help: '`mvc site list` shows the registered sites', cause },
    );
  }
  return new Failure(
    'BadInput',
    `cluster ${cluster} cannot be recorded: its plan breaks ${constraint} (${values.join(', ')})`,
    { cause },
  );
}
