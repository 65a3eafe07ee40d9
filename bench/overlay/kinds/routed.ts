import { otherSide, sides, vmAddress } from '../places.ts';
import { plugIntoRoutes } from '../vms.ts';
import { startWireguard, wireguardMtu } from '../wireguard.ts';
import { betweenVms, type Kind } from './kind.ts';

/** Each VM's address is a route: at its container to its port, elsewhere into the tunnel. */
export const routed: Kind = {
  name: 'routed',
  title: 'routed (WireGuard)',
  needs: { wg: 'wireguard-tools' },
  async build(ground, overlay) {
    await plugIntoRoutes(ground, overlay, wireguardMtu);
    const devices = await startWireguard(
      ground,
      overlay,
      (peer) => `${vmAddress(peer, overlay)}/32`,
    );
    for (const side of sides) {
      const elsewhere = vmAddress(otherSide(side), overlay);
      await ground.ip(side, `route add ${elsewhere}/32 dev ${devices[side]}\n`);
    }
    return betweenVms(overlay);
  },
};
