import type { ClusterSpec } from './cluster.ts';
import { Failure } from './failure.ts';
import type { OverlayKind, OverlayTable } from './overlay.ts';
import type { PlanInput } from './plan-input.ts';
import { physicalFrontend } from './site.ts';

/** WireGuard's own 60 bytes, and 20 for what a provider's network may take away of 1500. */
export const linkMtu = 1420;

/** @throws {Failure} MissingTool. */
export function planRouted(input: PlanInput) {
  requireTools(input, 'routed', [...linkTools, ...groundTools]);
  const { mtu = linkMtu } = input.spec.overlay;
  const table = {
    kind: 'routed' as const,
    version: '1.0',
    mtu,
    relayOnly: false,
    ...outsideOf(input.spec),
  };
  return { table, warnings: [] };
}

/** What the overlay has of it: nothing for a spec that opens nothing. */
export function outsideOf({
  overlay,
}: Pick<ClusterSpec, 'overlay'>): Pick<OverlayTable, 'outside'> {
  const { outside = [] } = overlay;
  return outside.length === 0 ? {} : { outside };
}

interface Tool {
  tool: string;
  /** Of which the administrator knows it. */
  package: string;
}

/** For links between VM containers. */
export const linkTools: Tool[] = [
  { tool: 'wg', package: 'wireguard-tools' },
  { tool: 'wireguard', package: 'a kernel with WireGuard, or wireguard-go' },
];

/** For the VMs' bridges. */
export const groundTools: Tool[] = [
  { tool: 'dnsmasq', package: 'dnsmasq-base' },
  { tool: 'nft', package: 'nftables' },
];

/** @throws {Failure} MissingTool, with the first VM container that lacks one. */
export function requireTools(input: PlanInput, kind: OverlayKind, tools: Tool[]): void {
  for (const { site, facts } of input.sites) {
    for (const host of facts.hosts.filter((each) => each.host !== physicalFrontend)) {
      const missing = tools.filter(({ tool }) => host.tools[tool] === undefined);
      if (missing.length === 0) continue;
      const names = missing.map(({ tool }) => tool).join(', ');
      throw new Failure(
        'MissingTool',
        `overlay ${kind} needs ${names} at site ${site.name}, VM container ${host.host}`,
        {
          help: `ask the site's administrator to install ${missing.map((each) => each.package).join(', ')}; then \`mvc site update\``,
        },
      );
    }
  }
}
