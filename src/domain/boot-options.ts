/** An address of the overlay's own, so that iPXE gets the router advertisement it waits 13 s for. */
export const overlayPrefix6 = 'fd6d:7663::';

/**
 * What dnsmasq tells a compute that boots, whoever runs it: the frontend VM, or in a routed overlay each
 * VM container.
 *
 * @param network of the overlay, as CIDR.
 * @param frontend address of the frontend VM.
 * @param router by which computes leave the overlay, if they may.
 */
export function dhcpOptions(
  network: string,
  mtu: number,
  frontend: string,
  router?: string,
): string[] {
  const [base = '', prefix = ''] = network.split('/');
  return [
    `dhcp-range=${base},static,${dottedMask(Number(prefix))},infinite`,
    'dhcp-authoritative',
    'dhcp-no-override',
    'no-ping',
    ...(router === undefined
      ? ['# No router: the computes leave the overlay through nobody.', 'dhcp-option=3']
      : [`dhcp-option=3,${router}`]),
    `dhcp-option=option:mtu,${mtu}`,
    '# Computes take the rest from the server that is named here.',
    `dhcp-boot=http://${frontend}/cgi-bin/boot.ipxe?mac=\${net0/mac:hexhyp},,${frontend}`,
    '# iPXE waits 2 s for a ProxyDHCP server unless told that there is none,',
    'dhcp-option=encap:175,176,1b',
    '# and 13 s for a router advertisement unless it gets one.',
    'enable-ra',
    `dhcp-range=${overlayPrefix6},ra-only,infinite`,
  ];
}

/** A line of dnsmasq's list of hosts. */
export function dhcpHost({ mac, address, name }: { mac: string; address: string; name: string }) {
  return `${mac},${address},${name},infinite\n`;
}

function dottedMask(prefix: number): string {
  return [0, 8, 16, 24]
    .map((skip) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - skip))))
    .join('.');
}
