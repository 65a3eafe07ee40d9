import { execFileSync } from 'node:child_process';
import { lan, namespaceOf, wan } from '../../../src/lab/plan.ts';
import type { LabReport } from '../../../src/lab/status.ts';

export interface FrameWatch {
  /** Frames so far, in both directions. */
  count(): number;
  end(): void;
}

let watches = 0;

/**
 * Counts frames on interfaces of a namespace, before anything else looks at those that come, so also those that
 * are dropped there; of those that leave, what is left after all rules. Several packets of a flow may be one frame.
 *
 * @param match an expression of nftables' netdev family, such as `ether type arp` or `udp dport 7700-7799`.
 */
export function watchFrames(namespace: string, interfaces: string[], match: string): FrameWatch {
  const table = `watch_${process.pid}_${(watches += 1)}`;
  const chain = (device: string, index: number, hook: string, priority: number) =>
    `chain ${hook}_${index} { type filter hook ${hook} device "${device}" priority ${priority};
      ${match} counter name frames
    }`;
  const chains = interfaces.flatMap((device, index) => [
    chain(device, index, 'ingress', -500),
    chain(device, index, 'egress', 500),
  ]);
  const nft = (args: string[], input = '') =>
    execFileSync('nsenter', [`--net=/run/netns/${namespace}`, 'nft', ...args], { input });
  nft(['-f', '-'], `table netdev ${table} {\ncounter frames { }\n${chains.join('\n')}\n}\n`);
  return {
    count: () => {
      const listed = nft(['-j', 'list', 'counters', 'table', 'netdev', table]).toString();
      return Number(/"packets": (\d+)/.exec(listed)?.[1]);
    },
    end: () => nft(['delete', 'table', 'netdev', table]),
  };
}

/** Frames of the site's LAN: those between any of its VM containers and others, and those of the gateway. */
export function watchLan(lab: LabReport, site: string, match: string): FrameWatch {
  const machines = lab.sites.find((each) => each.name === site)?.machines ?? [];
  const ports = machines.slice(1).map((machine) => machine.name.slice(site.length + 1));
  return watchFrames(namespaceOf(lab.id, site), [...ports, lan.bridge], match);
}

/** Frames between the site's gateway and the WAN, or the provider's NAT. */
export function watchWan(lab: LabReport, site: string, match: string): FrameWatch {
  return watchFrames(namespaceOf(lab.id, site), [wan.interface], match);
}
