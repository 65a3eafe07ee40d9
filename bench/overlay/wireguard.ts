import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programRoot } from '../../src/installation/home.ts';
import { until, type Ground } from './ground.ts';
import { otherSide, sides, wanAddresses, type Side } from './places.ts';

export const wireguardProgram = join(programRoot, '.tools', 'wireguard-go');
/** 1500 less IPv4, UDP and WireGuard's header and tag, rounded down as WireGuard itself does. */
export const wireguardMtu = 1420;

/** A tunnel between the containers. Returns its device at each; the sockets' names come from them. */
export async function startWireguard(
  ground: Ground,
  overlay: number,
  allowed: (peer: Side) => string,
): Promise<Record<Side, string>> {
  const devices = { left: `wl${overlay}x${ground.id}`, right: `wr${overlay}x${ground.id}` };
  const port = 51_820 + overlay;
  const publicKeys = { left: '', right: '' };
  for (const side of sides) {
    const device = devices[side];
    // Made beforehand: addresses and routes then outlive the program. The header lets large segments through.
    await ground.ip(side, `tuntap add dev ${device} mode tun vnet_hdr\n`);
    const program = ground.start(side, [wireguardProgram, '-f', device], {
      WG_PROCESS_FOREGROUND: '1',
    });
    await until(`WireGuard ${device} (${program.output()})`, () => isThere(ground, side, device));
    const key = await ground.run(side, ['wg', 'genkey']);
    publicKeys[side] = (await ground.run(side, ['wg', 'pubkey'], { stdin: key })).trim();
    const keyFile = join(ground.directory, `${device}.key`);
    await writeFile(keyFile, key, { mode: 0o600 });
    // prettier-ignore
    await ground.run(side, ['wg', 'set', device, 'listen-port', String(port), 'private-key', keyFile]);
    await ground.ip(side, `link set ${device} mtu ${wireguardMtu} up\n`);
  }
  for (const side of sides) {
    const peer = otherSide(side);
    // prettier-ignore
    await ground.run(side, ['wg', 'set', devices[side], 'peer', publicKeys[peer],
      'endpoint', `${wanAddresses[peer]}:${port}`, 'allowed-ips', allowed(peer)]);
  }
  return devices;
}

async function isThere(ground: Ground, side: Side, device: string): Promise<boolean> {
  const shown = ground.run(side, ['wg', 'show', device]);
  return shown.then(
    () => true,
    () => false,
  );
}
