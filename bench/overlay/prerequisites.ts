import { existsSync } from 'node:fs';
import type { Kind } from './kinds/kind.ts';
import { wireguardProgram } from './wireguard.ts';

/** Program → Debian package, for every overlay. */
const always = {
  ip: 'iproute2',
  tc: 'iproute2',
  iperf3: 'iperf3',
  ping: 'iputils-ping',
  python3: 'python3',
  sysctl: 'procps',
};

/** @throws {Error} that says how to get what is missing. */
export function requirePrograms(kinds: Kind[]): void {
  if (process.getuid?.() !== 0) {
    throw new Error('namespaces and devices are made: only root can (run it with sudo)');
  }
  const needed = Object.entries(Object.assign({}, always, ...kinds.map(({ needs }) => needs)));
  const missing = needed.filter(([program]) => !isPresent(program)).map(([, name]) => name);
  if (missing.length > 0) throw new Error(`missing Debian packages: ${missing.join(' ')}`);
  if (!existsSync(wireguardProgram)) {
    throw new Error('WireGuard is not built: start this by `./mvc bench overlay`, which does so');
  }
}

function isPresent(program: string): boolean {
  const searched = `${process.env['PATH']}:/usr/sbin:/sbin`.split(':');
  return searched.some((directory) => existsSync(`${directory}/${program}`));
}
