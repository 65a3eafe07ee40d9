import { sides, type Side } from '../places.ts';
import { plugIntoBridges } from '../vms.ts';
import { startWireguard, wireguardMtu } from '../wireguard.ts';
import { betweenVms, type Kind } from './kind.ts';
import { joinByVxlan, vxlanOverhead } from './vxlan.ts';

export const vxlanOverWireguard: Kind = {
  name: 'vxlan-wireguard',
  title: 'VXLAN over WireGuard',
  needs: { wg: 'wireguard-tools' },
  async build(ground, overlay) {
    const inTunnel = (side: Side) => `10.214.${overlay}.${side === 'left' ? 1 : 2}`;
    const devices = await startWireguard(ground, overlay, (peer) => `${inTunnel(peer)}/32`);
    for (const side of sides) {
      await ground.ip(side, `addr add ${inTunnel(side)}/24 dev ${devices[side]}\n`);
    }
    const bridge = await plugIntoBridges(ground, overlay, wireguardMtu - vxlanOverhead);
    await joinByVxlan(ground, overlay, bridge, (side) => devices[side], inTunnel);
    return betweenVms(overlay);
  },
};
