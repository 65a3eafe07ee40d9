import type { Kind } from './kinds/kind.ts';
import { n2nDirect, n2nRelayed } from './kinds/n2n.ts';
import { openvpn } from './kinds/openvpn.ts';
import { routed } from './kinds/routed.ts';
import { vxlan } from './kinds/vxlan.ts';
import { vxlanOverWireguard } from './kinds/vxlan-wireguard.ts';
import { wire } from './kinds/wire.ts';

/** All that is compared, in the order of tables and plots. */
export const kinds: Kind[] = [
  wire,
  routed,
  vxlan,
  vxlanOverWireguard,
  openvpn,
  n2nDirect,
  n2nRelayed,
];
