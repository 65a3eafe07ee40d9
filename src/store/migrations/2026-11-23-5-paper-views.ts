import { statements } from './statements.ts';

/**
 * The tables of the MVC controller of 2012 under their own names (mixed case: quote them). Keys and
 * other secrets are left out. docs/store.md says what became of each.
 */
export const paperViews = statements(
  `CREATE VIEW "Site" AS
     SELECT name,
            definition -> 'frontend' ->> 'address' AS fqdn,
            (definition -> 'frontend' ->> 'port')::integer AS port,
            definition -> 'frontend' ->> 'user' AS "user",
            kind, state
       FROM site`,
  `CREATE VIEW "phy_nodes_for_MVC" AS
     SELECT DISTINCT cluster AS mvc, site, container AS phy_node FROM vm`,
  `CREATE VIEW "vm_nodes_for_MVC" AS
     SELECT vm.cluster AS mvc, vm.site, vm.container AS phy_node, vm.name AS vm, vm.role,
            nic.mac::text AS mac, host(nic.address) AS ip, vm.cpus, vm.memory_mib, vm.state
       FROM vm JOIN network_interface nic
         ON nic.cluster = vm.cluster AND nic.vm = vm.name AND nic.kind = 'overlay'`,
  `CREATE VIEW "Overlay" AS
     SELECT edge.cluster AS mvc, edge.vm, edge.site, edge.container AS phy_node, edge.tap, edge.bridge,
            nic.mac::text AS mac, udp_port.port
       FROM edge
       JOIN network_interface nic
         ON nic.cluster = edge.cluster AND nic.vm = edge.vm AND nic.kind = 'overlay'
       JOIN udp_port ON udp_port.cluster = edge.cluster AND udp_port.vm = edge.vm`,
  `CREATE VIEW "Networks_for_MVC" AS
     SELECT cluster.name AS mvc, overlay.kind, overlay.version, overlay.community,
            cluster.network::text AS subnet, overlay.mtu,
            overlay.supernode_site, host(overlay.supernode_address) AS supernode, udp_port.port AS supernode_port
       FROM cluster
       JOIN overlay ON overlay.cluster = cluster.name
       LEFT JOIN udp_port ON udp_port.cluster = cluster.name AND udp_port.vm IS NULL`,
);
