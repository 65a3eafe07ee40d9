import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { OverlayTable } from '../../../src/domain/overlay.ts';
import {
  n2nAccount,
  renderEdgeArgs,
  renderSupernodeArgs,
  type N2nEdge,
} from '../../../src/drivers/overlay/n2n/argv.ts';
import { renderEdgeRules } from '../../../src/drivers/overlay/n2n/firewall.ts';
import { until, type Ground, type Started } from '../ground.ts';
import { sides, vmAddress, vmMac, wanAddresses, wanDevice, type Side } from '../places.ts';
import { plugIntoBridges } from '../vms.ts';
import { betweenVms, type Kind } from './kind.ts';

const needs = { edge: 'n2n', supernode: 'n2n', nft: 'nftables', setpriv: 'util-linux' };

export const n2nDirect: Kind = {
  name: 'n2n-direct',
  title: 'n2n 1.3, direct',
  needs,
  build: (ground, overlay) => build(ground, overlay, false),
};

export const n2nRelayed: Kind = {
  name: 'n2n-relayed',
  title: 'n2n 1.3, relayed',
  needs,
  build: (ground, overlay) => build(ground, overlay, true),
};

/** With the arguments and rules that clusters get. */
async function build(ground: Ground, overlay: number, relayOnly: boolean) {
  const table = tableOf(overlay, relayOnly);
  const key = randomBytes(32).toString('base64url');
  const bridge = await plugIntoBridges(ground, overlay, table.mtu);
  const [program, ...account] = ['setpriv', '--clear-groups', `--regid=${n2nAccount}`] as const;
  ground.start('hub', [
    program,
    ...account,
    `--reuid=${n2nAccount}`,
    'supernode',
    ...renderSupernodeArgs(table.version, table.supernode, ''),
  ]);
  for (const [index, edge] of table.edges.entries()) {
    const side = sides[index] ?? 'left';
    await ground.run(side, ['nft', '-f', '-'], {
      stdin: renderEdgeRules(edge, table.supernode, relayOnly, 'bench'),
    });
    const args = renderEdgeArgs(table, edge, table.supernode);
    const started = ground.start(side, [program, ...account, 'edge', ...args], { N2N_KEY: key });
    await until(`edge ${edge.vm} (${started.output()})`, () => hasTap(started));
    await ground.ip(
      side,
      `addr flush dev ${edge.tap}\n` +
        `link set ${edge.tap} address 06${edge.mac.slice(2)} mtu ${table.mtu} master ${bridge} up\n`,
    );
  }
  const path = betweenVms(overlay);
  const goesRight = async () => {
    const before = await hubPackets(ground);
    // prettier-ignore
    await ground.run('leftVm', ['ping', '-q', '-c', '10', '-i', '0.05', '-I', path.from.address, path.to.address]);
    return (await hubPackets(ground)) - before > 10 === relayOnly;
  };
  return { ...path, settled: () => until('the way that n2n should take', goesRight, 60) };
}

function tableOf(overlay: number, relayOnly: boolean) {
  const supernode = {
    site: 'hub',
    address: wanAddresses.hub,
    port: 7000 + overlay,
  };
  const edgeOf = (side: Side): N2nEdge => ({
    vm: side,
    site: side,
    container: side,
    tap: `n2n${overlay}`,
    bridge: `br${overlay}`,
    mac: vmMac(side, overlay),
    address: vmAddress(side, overlay),
    udpPort: 7100 + overlay,
  });
  return {
    kind: 'n2n',
    version: '1.3',
    community: `benchmark${overlay}`,
    network: `10.213.${overlay}.0/24`,
    mtu: 1400,
    relayOnly,
    supernode,
    edges: sides.map(edgeOf),
  } satisfies OverlayTable;
}

/** n2n gives up root once it has its tap, and has then read its address from there. */
async function hasTap({ pid }: Started): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return new RegExp(`^Uid:\\s+${n2nAccount}\\s`, 'm').test(status);
}

async function hubPackets(ground: Ground): Promise<number> {
  const shown = await ground.run('hub', [
    'cat',
    `/sys/class/net/${wanDevice}/statistics/rx_packets`,
  ]);
  return Number(shown);
}
