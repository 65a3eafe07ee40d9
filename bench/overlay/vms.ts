import type { Ground } from './ground.ts';
import { sides, vmAddress, vmMac, vmPlace, type Side } from './places.ts';

/** The VM's interface in this overlay, and its other end at the VM container. */
export function vmDevice(overlay: number): string {
  return `eth${overlay}`;
}

function portDevice(overlay: number): string {
  return `vm${overlay}`;
}

/** VMs on a bridge at their VM containers, which an overlay of layer 2 then joins. */
export async function plugIntoBridges(
  ground: Ground,
  overlay: number,
  mtu: number,
): Promise<string> {
  const bridge = `br${overlay}`;
  for (const side of sides) {
    await plug(ground, side, overlay, mtu);
    await ground.ip(
      side,
      `link add name ${bridge} mtu ${mtu} type bridge forward_delay 0 mcast_snooping 0\n` +
        `link set ${bridge} up\nlink set ${portDevice(overlay)} master ${bridge}\n`,
    );
  }
  return bridge;
}

/** VMs whose containers answer ARP for the whole overlay and route each VM's address to its port. */
export async function plugIntoRoutes(ground: Ground, overlay: number, mtu: number): Promise<void> {
  const port = portDevice(overlay);
  for (const side of sides) {
    await plug(ground, side, overlay, mtu);
    await ground.sysctl(side, {
      'net.ipv4.ip_forward': 1,
      'net.ipv4.conf.all.send_redirects': 0,
      [`net.ipv4.conf.${port}.send_redirects`]: 0,
      [`net.ipv4.conf.${port}.proxy_arp`]: 1,
      [`net.ipv4.neigh.${port}.proxy_delay`]: 0,
    });
    const address = vmAddress(side, overlay);
    await ground.ip(
      side,
      `addr add 10.213.${overlay}.254/32 dev ${port}\nroute add ${address}/32 dev ${port}\n` +
        `neigh replace ${address} lladdr ${vmMac(side, overlay)} dev ${port} nud permanent\n`,
    );
  }
}

async function plug(ground: Ground, side: Side, overlay: number, mtu: number): Promise<void> {
  const [vm, device] = [vmPlace(side), vmDevice(overlay)];
  await ground.ip(
    side,
    `link add name ${portDevice(overlay)} mtu ${mtu} type veth peer name ${device} ` +
      `address ${vmMac(side, overlay)} mtu ${mtu} netns ${ground.namespace(vm)}\n` +
      `link set ${portDevice(overlay)} up\n`,
  );
  await ground.ip(
    vm,
    `addr add ${vmAddress(side, overlay)}/24 dev ${device}\nlink set ${device} up\n`,
  );
}
