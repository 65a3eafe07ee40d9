import { until, type Ground } from '../ground.ts';
import { otherSide, sides, wanAddresses, type Side } from '../places.ts';
import { plugIntoBridges } from '../vms.ts';
import { betweenVms, type Kind } from './kind.ts';

const cipher = 'AES-256-GCM';
/** 1500 less IPv4, UDP, OpenVPN's header, counter and tag (24 bytes), and the Ethernet header inside. */
const mtu = 1434;

export const openvpn: Kind = {
  name: 'openvpn',
  title: `OpenVPN tap, ${cipher}`,
  needs: { openvpn: 'openvpn', openssl: 'openssl' },
  async build(ground, overlay) {
    const bridge = await plugIntoBridges(ground, overlay, mtu);
    const fingerprints = {
      left: await makeCertificate(ground, 'left'),
      right: await makeCertificate(ground, 'right'),
    };
    for (const side of sides) {
      await ground.ip(
        side,
        `tuntap add dev tap${overlay} mode tap\n` +
          `link set tap${overlay} mtu ${mtu} master ${bridge} up\n`,
      );
      const started = ground.start(side, argvOf(ground, overlay, side, fingerprints));
      if (side === 'left') continue;
      await until('OpenVPN', () => started.output().includes('Initialization Sequence Completed'));
    }
    return betweenVms(overlay);
  },
};

/** Returns its fingerprint, by which the other end knows it. */
async function makeCertificate(ground: Ground, side: Side): Promise<string> {
  const certificate = `${ground.directory}/${side}.crt`;
  // prettier-ignore
  await ground.run(side, ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1',
    '-nodes', '-subj', `/CN=${side}`, '-days', '1', '-keyout', `${ground.directory}/${side}.key`, '-out', certificate]);
  const [program, ...print] = ['openssl', 'x509', '-noout', '-fingerprint', '-sha256'] as const;
  return (
    (await ground.run(side, [program, ...print, '-in', certificate])).trim().split('=')[1] ?? ''
  );
}

function argvOf(
  ground: Ground,
  overlay: number,
  side: Side,
  fingerprints: Record<Side, string>,
): [string, ...string[]] {
  const peer = otherSide(side);
  const port = String(1194 + overlay);
  // prettier-ignore
  return ['openvpn', '--mode', 'p2p', side === 'left' ? '--tls-server' : '--tls-client', '--dh', 'none',
    '--dev', `tap${overlay}`, '--dev-type', 'tap', '--proto', 'udp4', '--persist-tun',
    '--local', wanAddresses[side], '--lport', port, '--remote', wanAddresses[peer], port,
    '--cert', `${ground.directory}/${side}.crt`, '--key', `${ground.directory}/${side}.key`,
    '--peer-fingerprint', fingerprints[peer], '--data-ciphers', cipher, '--cipher', cipher,
    '--tun-mtu', String(mtu), '--mssfix', '0', '--txqueuelen', '1000', '--fast-io',
    '--sndbuf', String(largeBuffer), '--rcvbuf', String(largeBuffer)];
}

const largeBuffer = 4 * 1024 ** 2;
