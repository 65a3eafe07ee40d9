import type { Ground } from '../ground.ts';
import { otherSide, sides, wanAddresses, wanDevice, type Side } from '../places.ts';
import { plugIntoBridges } from '../vms.ts';
import { betweenVms, type Kind } from './kind.ts';

/** VXLAN, UDP, IPv4 and Ethernet headers. */
export const vxlanOverhead = 50;

export const vxlan: Kind = {
  name: 'vxlan',
  title: 'VXLAN in clear',
  needs: {},
  async build(ground, overlay) {
    const bridge = await plugIntoBridges(ground, overlay, 1500 - vxlanOverhead);
    await joinByVxlan(
      ground,
      overlay,
      bridge,
      () => wanDevice,
      (side) => wanAddresses[side],
    );
    return betweenVms(overlay);
  },
};

/** Joins the two bridges by the kernel's VXLAN over a device. */
export async function joinByVxlan(
  ground: Ground,
  overlay: number,
  bridge: string,
  over: (side: Side) => string,
  addressOf: (side: Side) => string,
): Promise<void> {
  const name = `vxlan${overlay}`;
  for (const side of sides) {
    await ground.ip(
      side,
      `link add name ${name} type vxlan id ${overlay} dstport ${4789 + overlay} dev ${over(side)} ` +
        `local ${addressOf(side)} remote ${addressOf(otherSide(side))}\n` +
        `link set ${name} master ${bridge} up\n`,
    );
  }
}
