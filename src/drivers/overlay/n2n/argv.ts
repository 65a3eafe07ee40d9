import type { Edge, OverlayTable, Supernode } from '../../../domain/overlay.ts';

/** The unprivileged account (nobody) that edges and supernodes become. */
export const n2nAccount = 65_534;

/** An edge of n2n always has a port. */
export type N2nEdge = Edge & { udpPort: number };

/**
 * Arguments of an edge in the foreground. The key is not among them: it comes by `N2N_KEY`. None of
 * them has a blank.
 */
export function renderEdgeArgs(table: OverlayTable, edge: N2nEdge, supernode: Supernode): string[] {
  const prefix = Number(table.network.split('/')[1]);
  // Forwarding (-r): without it an edge drops what is not for its own address, and the VM's is not its own.
  // prettier-ignore
  const common = [
    '-d', edge.tap, '-m', edge.mac, '-c', table.community,
    '-l', `${supernode.address}:${supernode.port}`, '-p', String(edge.udpPort),
    '-M', String(table.mtu), '-r', '-u', String(n2nAccount), '-g', String(n2nAccount),
  ];
  if (isFirstGeneration(table.version)) {
    return [...common, '-a', edge.address, '-s', netmask(prefix)];
  }
  // Foreground; AES (256 bits with a key of 43 characters) for payload, and headers encrypted too. VMs may need
  // multicast (-E), which is dropped otherwise. Management on any free port: the fixed one is taken
  // by the first edge of a host.
  const secured = ['-f', '-A3', '-H', '-E', '-t', '0'];
  return [...common, '-a', `static:${edge.address}/${prefix}`, ...secured];
}

export function renderSupernodeArgs(
  version: string,
  supernode: Supernode,
  federation: string,
): string[] {
  if (isFirstGeneration(version)) return ['-l', String(supernode.port)];
  // The default federation's name is known to everybody.
  return ['-f', '-p', String(supernode.port), '-t', '0', '-F', federation];
}

function isFirstGeneration(version: string): boolean {
  return version.startsWith('1.');
}

function netmask(prefix: number): string {
  return [0, 8, 16, 24]
    .map((skip) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - skip))))
    .join('.');
}
