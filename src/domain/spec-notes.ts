/** The two kinds of files that people write. */
export type SpecKind = 'cluster' | 'site';

const sshHost = (host: string) => ({
  address: `Host name or IPv4 address at which ssh reaches ${host}.`,
  port: 'TCP port of its sshd.',
  user: 'Account that may run mvc-site there; never root.',
  hostKey: 'SHA-256 fingerprint of its ssh host key, as `ssh-keygen -l` prints it.',
});
const under = (path: string, notes: Record<string, string>) =>
  Object.fromEntries(Object.entries(notes).map(([field, note]) => [`${path}.${field}`, note]));

/**
 * What each field of a spec means, with its unit: for editors, for docs/specs.md and for error messages.
 * `sites[].computes` is a field of each item of a list.
 */
export const specNotes: Record<SpecKind, Record<string, string>> = {
  cluster: {
    name: 'Name of the cluster, unique in the installation.',
    origin:
      "Site of the frontend VM, and of the overlay's first relay or supernode; one of `sites`.",
    sites: 'The sites over which the cluster spans, each named once.',
    'sites[].name': 'Name under which the site is registered.',
    'sites[].computes': 'Number of compute VMs there; 0 only at the origin.',
    overlay: 'The network that joins the VMs of all sites.',
    'overlay.kind':
      '`routed`: WireGuard between VM containers, encrypted, without broadcast; `vxlan`: layer 2 between VM containers that reach each other directly, over WireGuard; `n2n`: one edge per VM, over UDP only, which carries broadcast and any protocol; `memory` for sites in memory only.',
    'overlay.insecure':
      'Must be true for an overlay without authentication worth the name, such as n2n 1.3. Kind `vxlan`: in clear, without WireGuard.',
    'overlay.mtu':
      'Kinds `routed` and `vxlan`: largest packet of the VMs, bytes; by default 1420, and 1350 or in clear 1450 for `vxlan`. Smaller where the way between the sites takes less.',
    'overlay.outside':
      "Kind `routed`: IPv4 networks, as CIDRs, that the VMs may reach by their VM containers, behind those hosts' own addresses; at most 20, all allowed by `outside` in the hosts' policies. Networks to which a host is attached itself stay closed but for what is named in them.",
    frontend: 'Size of the frontend VM.',
    'frontend.cpus': 'Virtual cpus.',
    'frontend.memoryMiB': 'Memory, MiB.',
    'frontend.diskGiB': "Disk that is kept over reboots, GiB: homes and the scheduler's state.",
    compute: 'Size of each compute VM.',
    'compute.cpus': 'Virtual cpus.',
    'compute.memoryMiB': 'Memory, MiB.',
    network:
      'Private IPv4 range of the overlay, /16 to /28. Without it: the next free /24 of 10.77.0.0/16.',
    rolls: 'Sets of software for the nodes.',
    sshKeys: 'Public ssh keys that may log in to the frontend VM as the user `hpc`.',
    watch: 'How the cluster is looked after once it is ready.',
    'watch.everyMinutes': 'How often it is looked at, minutes.',
    'watch.repair': 'Mend what is found amiss; otherwise only say so.',
  },
  site: {
    name: 'Name of the site, unique in the installation.',
    kind: 'How the site is driven: `libvirt`, or `memory` for one that exists in memory only.',
    key: "Absolute path of the private ssh key, on the machine of the site's worker. Never the key itself.",
    frontend: 'The physical frontend: ssh reaches it, and through it the VM containers.',
    ...under('frontend', sshHost('the physical frontend')),
    'frontend.publicAddress': "IPv4 address at which the other sites' UDP reaches it.",
    'frontend.inbound':
      'Whether UDP from outside arrives at the public address, at the ports of `udpPorts`; the origin needs it.',
    'frontend.lanAddress': "IPv4 address of it as the site's VM containers see it.",
    containers: 'The VM containers: the hosts that run VMs.',
    ...under('containers[]', sshHost('it from the physical frontend')),
    'containers[].name': 'Name of the VM container, unique at the site.',
    'containers[].cpus': 'Cpus that it pretends to have (memory sites).',
    'containers[].memoryMiB': 'Memory that it pretends to have, MiB (memory sites).',
    publicAddress: 'IPv4 address that the site pretends to have (memory sites).',
    network: "The site's own network, in which a cluster's frontend VM gets its second interface.",
    'network.bridge': 'Bridge on each VM container that leads into it.',
    'network.gateway': 'IPv4 address of its gateway.',
    'network.prefixLength': 'Length of its prefix, bits.',
    'network.dns':
      'IPv4 address of its name server. Without it nodes resolve no names outside the cluster.',
    'network.addresses':
      "IPv4 addresses in it that the site's administrator gave for frontend VMs.",
    udpPorts: "UDP ports for overlays, agreed with the site's administrator.",
    'udpPorts.first': 'First port.',
    'udpPorts.last': 'Last port.',
    delayMs: 'Milliseconds that each call to the site takes (memory sites).',
  },
};
