import { Failure } from './failure.ts';
import { vxlanInsecureReason } from './overlay.ts';
import type { PlanInput } from './plan-input.ts';
import { groundTools, linkMtu, linkTools, requireTools } from './plan-routed.ts';

/** VXLAN, UDP, IPv4 and Ethernet headers in 1500. */
const clearMtu = 1450;
/** The same with IPv6, in which the links carry it. */
export const vxlanInLink = 70;
const largestLinkMtu = 9000;

/**
 * VXLAN between the VM containers: over WireGuard, or in clear where the spec accepts that.
 *
 * @throws {Failure} BadInput where containers cannot reach each other; MissingTool.
 */
export function planVxlan(input: PlanInput) {
  const { insecure, mtu } = input.spec.overlay;
  requireTools(input, 'vxlan', insecure ? groundTools : [...linkTools, ...groundTools]);
  if (!insecure && mtu !== undefined && mtu + vxlanInLink > largestLinkMtu) {
    throw new Failure(
      'BadInput',
      `overlay.mtu ${mtu} is too much for vxlan over WireGuard: at most ${largestLinkMtu - vxlanInLink}`,
      { help: 'set a smaller `overlay.mtu`' },
    );
  }
  const table = { kind: 'vxlan' as const, version: '1.0', relayOnly: false };
  if (!insecure) return { table: { ...table, mtu: mtu ?? linkMtu - vxlanInLink }, warnings: [] };
  refuseClosed(input);
  return {
    table: { ...table, mtu: mtu ?? clearMtu },
    warnings: [`insecure overlay: ${vxlanInsecureReason}`],
  };
}

/** In clear nobody opens a NAT: each site must hand on what arrives. */
function refuseClosed({ sites }: PlanInput): void {
  if (sites.length < 2) return;
  const closed = sites.find(({ site }) => site.kind === 'libvirt' && !site.frontend.inbound);
  if (!closed) return;
  throw new Failure(
    'BadInput',
    `overlay vxlan in clear cannot reach site ${closed.site.name}, at which no UDP arrives`,
    {
      help: 'leave `insecure` out: WireGuard finds its way into most sites; or use overlay routed',
    },
  );
}
