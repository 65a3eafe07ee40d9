import { statements } from './statements.ts';

/**
 * Clusters and all that is planned for them. What must never be given out twice is a constraint
 * here, so that no order of concurrent planners can do it: networks, MACs, addresses, ports, names.
 * The names of constraints are known to store/clashes.ts, which makes sentences of them.
 */
export const clusters = statements(
  `CREATE TABLE cluster (
     name label PRIMARY KEY,
     id text NOT NULL CONSTRAINT cluster_id_key UNIQUE CHECK (id ~ '^[0-9a-f]{12}$'),
     installation uuid NOT NULL,
     spec jsonb NOT NULL CHECK (spec ->> 'name' = name),
     phase text NOT NULL DEFAULT 'building' CHECK (
       phase IN ('building', 'ready', 'failed', 'cancelled', 'destroying', 'destroyed')),
     conditions jsonb NOT NULL DEFAULT '[]',
     epoch integer NOT NULL DEFAULT 0 CHECK (epoch >= 0),
     network cidr NOT NULL CHECK (family(network) = 4),
     mtu integer NOT NULL CHECK (mtu BETWEEN 576 AND 9000),
     created_at timestamptz NOT NULL DEFAULT now(),
     ready_at timestamptz,
     image_digest text CHECK (image_digest ~ '^[0-9a-f]{64}$'),
     image_size bigint CHECK (image_size > 0),
     verify jsonb,
     CHECK ((image_digest IS NULL) = (image_size IS NULL)),
     CONSTRAINT cluster_network_overlap EXCLUDE USING gist (network inet_ops WITH &&),
     CONSTRAINT cluster_name_network_key UNIQUE (name, network)
   )`,
  `CREATE TABLE cluster_site (
     cluster label NOT NULL REFERENCES cluster ON DELETE CASCADE,
     site label NOT NULL CONSTRAINT cluster_site_site_fkey REFERENCES site,
     computes integer NOT NULL CHECK (computes >= 0),
     PRIMARY KEY (cluster, site)
   )`,
  `CREATE INDEX cluster_site_site ON cluster_site (site)`,

  `CREATE TABLE vm (
     cluster label NOT NULL REFERENCES cluster ON DELETE CASCADE,
     name text COLLATE "C" NOT NULL CHECK (name ~ '^[a-z]([a-z0-9-]*[a-z0-9])?$' AND length(name) <= 50),
     position integer NOT NULL CHECK (position >= 0),
     role text NOT NULL CHECK (role IN ('frontend', 'compute')),
     site label NOT NULL,
     container label NOT NULL,
     cpus integer NOT NULL CHECK (cpus >= 1),
     memory_mib integer NOT NULL CHECK (memory_mib >= 128),
     disk_gib integer CHECK (disk_gib >= 1),
     domain text COLLATE "C" GENERATED ALWAYS AS (cluster || '-' || name) STORED,
     state text NOT NULL DEFAULT 'planned' CHECK (length(state) BETWEEN 1 AND 40),
     state_at timestamptz NOT NULL DEFAULT now(),
     PRIMARY KEY (cluster, name),
     CONSTRAINT vm_position_key UNIQUE (cluster, position),
     CONSTRAINT vm_domain_key UNIQUE (site, domain),
     CONSTRAINT vm_site_key UNIQUE (cluster, name, site),
     CONSTRAINT vm_container_key UNIQUE (cluster, name, site, container),
     CONSTRAINT vm_cluster_site_fkey FOREIGN KEY (cluster, site) REFERENCES cluster_site ON DELETE CASCADE,
     CONSTRAINT vm_container_fkey FOREIGN KEY (site, container) REFERENCES vm_container
   )`,
  `CREATE UNIQUE INDEX vm_one_frontend ON vm (cluster) WHERE role = 'frontend'`,

  // MACs of all interfaces of all live VMs at all sites are in this one column.
  `CREATE TABLE network_interface (
     mac mac_address PRIMARY KEY,
     cluster label NOT NULL,
     vm text COLLATE "C" NOT NULL,
     site label NOT NULL,
     kind text NOT NULL CHECK (kind IN ('overlay', 'site')),
     address inet NOT NULL CHECK (family(address) = 4 AND masklen(address) = 32),
     network cidr,
     bridge interface_name,
     CONSTRAINT network_interface_vm_key UNIQUE (cluster, vm, kind),
     CONSTRAINT network_interface_vm_fkey FOREIGN KEY (cluster, vm, site)
       REFERENCES vm (cluster, name, site) ON DELETE CASCADE,
     CONSTRAINT network_interface_network_fkey FOREIGN KEY (cluster, network)
       REFERENCES cluster (name, network) ON DELETE CASCADE,
     CONSTRAINT network_interface_in_network CHECK (
       CASE kind WHEN 'overlay' THEN network IS NOT NULL AND address << network AND bridge IS NULL
                 ELSE network IS NULL AND bridge IS NOT NULL END)
   )`,
  `CREATE UNIQUE INDEX network_interface_overlay_address
     ON network_interface (address) WHERE kind = 'overlay'`,
  `CREATE UNIQUE INDEX network_interface_site_address
     ON network_interface (site, address) WHERE kind = 'site'`,

  `CREATE TABLE overlay (
     cluster label PRIMARY KEY REFERENCES cluster ON DELETE CASCADE,
     kind text NOT NULL,
     version text NOT NULL CHECK (version ~ '^[0-9]+[.][0-9]+$'),
     community text NOT NULL CONSTRAINT overlay_community_key UNIQUE CHECK (community ~ '^[a-z0-9]{8,16}$'),
     mtu integer NOT NULL CHECK (mtu BETWEEN 576 AND 9000),
     relay_only boolean NOT NULL,
     supernode_site label,
     supernode_address inet,
     CHECK ((supernode_site IS NULL) = (supernode_address IS NULL)),
     FOREIGN KEY (cluster, supernode_site) REFERENCES cluster_site ON DELETE CASCADE
   )`,
  `CREATE TABLE edge (
     cluster label NOT NULL REFERENCES overlay ON DELETE CASCADE,
     vm text COLLATE "C" NOT NULL,
     site label NOT NULL,
     container label NOT NULL,
     tap interface_name NOT NULL,
     bridge interface_name NOT NULL,
     PRIMARY KEY (cluster, vm),
     CONSTRAINT edge_tap_key UNIQUE (site, container, tap),
     CONSTRAINT edge_bridge_key UNIQUE (site, container, bridge),
     CONSTRAINT edge_vm_fkey FOREIGN KEY (cluster, vm, site, container)
       REFERENCES vm (cluster, name, site, container) ON DELETE CASCADE
   )`,
  // Ports of edges and supernodes share one column: a site's physical frontend sees them all.
  `CREATE TABLE udp_port (
     site label NOT NULL REFERENCES site,
     port port_number NOT NULL,
     cluster label NOT NULL REFERENCES overlay ON DELETE CASCADE,
     vm text COLLATE "C",
     CONSTRAINT udp_port_pkey PRIMARY KEY (site, port),
     CONSTRAINT udp_port_holder_key UNIQUE NULLS NOT DISTINCT (cluster, vm),
     FOREIGN KEY (cluster, vm) REFERENCES edge ON DELETE CASCADE,
     CONSTRAINT udp_port_vm_fkey FOREIGN KEY (cluster, vm, site)
       REFERENCES vm (cluster, name, site) ON DELETE CASCADE
   )`,
);
