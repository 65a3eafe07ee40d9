import { statements } from './statements.ts';

/** The VM containers of a routed overlay, and the ports of their links. Edges need no port of their own there. */
export const overlayPeers = statements(
  `CREATE TABLE overlay_peer (
     cluster label NOT NULL REFERENCES overlay ON DELETE CASCADE,
     number integer NOT NULL CHECK (number BETWEEN 1 AND 4000),
     site label NOT NULL REFERENCES site,
     container label NOT NULL,
     public_key text NOT NULL CHECK (public_key ~ '^[A-Za-z0-9+/]{43}=$'),
     lan_address inet NOT NULL,
     public_address inet NOT NULL,
     inbound boolean NOT NULL,
     PRIMARY KEY (cluster, number),
     CONSTRAINT overlay_peer_container_key UNIQUE (cluster, site, container),
     FOREIGN KEY (site, container) REFERENCES vm_container (site, name)
   )`,
  `ALTER TABLE udp_port
     ADD COLUMN peer integer,
     ADD COLUMN link text CHECK (link IN ('direct', 'relay')),
     ADD CONSTRAINT udp_port_peer_fkey FOREIGN KEY (cluster, peer)
       REFERENCES overlay_peer (cluster, number) ON DELETE CASCADE,
     ADD CONSTRAINT udp_port_one_holder CHECK (
       (peer IS NULL) = (link IS NULL) AND (vm IS NULL OR peer IS NULL)),
     DROP CONSTRAINT udp_port_holder_key,
     ADD CONSTRAINT udp_port_holder_key UNIQUE NULLS NOT DISTINCT (cluster, vm, peer, link)`,
  `CREATE OR REPLACE VIEW "Overlay" AS
     SELECT edge.cluster AS mvc, edge.vm, edge.site, edge.container AS phy_node, edge.tap, edge.bridge,
            nic.mac::text AS mac, udp_port.port
       FROM edge
       JOIN network_interface nic
         ON nic.cluster = edge.cluster AND nic.vm = edge.vm AND nic.kind = 'overlay'
       LEFT JOIN udp_port ON udp_port.cluster = edge.cluster AND udp_port.vm = edge.vm`,
  `CREATE OR REPLACE VIEW "Networks_for_MVC" AS
     SELECT cluster.name AS mvc, overlay.kind, overlay.version, overlay.community,
            cluster.network::text AS subnet, overlay.mtu,
            overlay.supernode_site, host(overlay.supernode_address) AS supernode, udp_port.port AS supernode_port
       FROM cluster
       JOIN overlay ON overlay.cluster = cluster.name
       LEFT JOIN udp_port ON udp_port.cluster = cluster.name AND udp_port.vm IS NULL AND udp_port.peer IS NULL`,
);
