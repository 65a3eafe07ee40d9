import { createLocalShell } from '../../../src/transport/local-shell.ts';

const local = createLocalShell();
const broadcastMac = 'ff:ff:ff:ff:ff:ff';

export interface UdpFrame {
  from: { mac: string; address: string; port: number };
  to: { mac?: string; address: string; port: number };
  payload?: Buffer;
}

/** An Ethernet frame with UDP over IPv4. The UDP checksum is left out, which IPv4 allows. */
export function udpFrame({ from, to, payload = Buffer.alloc(32) }: UdpFrame): Buffer {
  const udp = Buffer.alloc(8);
  for (const [at, value] of [from.port, to.port, 8 + payload.length, 0].entries()) {
    udp.writeUInt16BE(value, at * 2);
  }
  const ip = Buffer.alloc(20);
  ip.set([0x45, 0]);
  ip.writeUInt16BE(28 + payload.length, 2);
  ip.set([64, 17], 8);
  ip.set([...bytesOf(from.address), ...bytesOf(to.address)], 12);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([ethernet(to.mac ?? broadcastMac, from.mac, 0x0800), ip, udp, payload]);
}

/** An answer that nobody has asked for: `address` is at `mac`. */
export function arpReply(from: string, address: string, target: string): Buffer {
  const head = Buffer.from('0001080006040002', 'hex');
  const sender = [...macBytes(from), ...bytesOf(address)];
  const receiver = [...macBytes(broadcastMac), ...bytesOf(target)];
  return Buffer.concat([
    ethernet(broadcastMac, from, 0x0806),
    head,
    Buffer.from([...sender, ...receiver]),
  ]);
}

/** A router advertisement to all nodes, of `fe80::bad`. */
export function routerAdvertisement(from: string): Buffer {
  const source = Buffer.from('fe800000000000000000000000000bad', 'hex');
  const all = Buffer.from('ff020000000000000000000000000001', 'hex');
  const body = Buffer.from('86000000400007080000000000000000', 'hex');
  const length = Buffer.from([0, 0, 0, body.length]);
  body.writeUInt16BE(
    checksum(Buffer.concat([source, all, length, Buffer.from([0, 0, 0, 58]), body])),
    2,
  );
  const head = Buffer.from([0x60, 0, 0, 0, 0, body.length, 58, 255]);
  return Buffer.concat([ethernet('33:33:00:00:00:01', from, 0x86dd), head, source, all, body]);
}

/** DHCP: a question of the machine with that MAC, or an offer to it. */
export function dhcp(kind: 'discover' | 'offer', mac: string, id: number): Buffer {
  const fixed = Buffer.alloc(236);
  fixed.set([kind === 'offer' ? 2 : 1, 1, 6]);
  fixed.writeUInt32BE(id, 4);
  // The answer comes by broadcast.
  fixed.writeUInt16BE(0x8000, 10);
  if (kind === 'offer') fixed.set(bytesOf('10.99.0.99'), 16);
  fixed.set(macBytes(mac), 28);
  const type = kind === 'offer' ? 2 : 1;
  return Buffer.concat([fixed, Buffer.from([99, 130, 83, 99, 53, 1, type, 255]), Buffer.alloc(60)]);
}

/** Sends them from the `eth0` of a namespace as they are. */
export async function sendFrames(namespace: string, frames: Buffer[]): Promise<void> {
  const program = [
    'import socket, sys, time',
    's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
    's.bind(("eth0", 0))',
    'for line in sys.stdin:',
    '    s.send(bytes.fromhex(line.strip()))',
    '    time.sleep(0.001)',
  ].join('\n');
  const { exitCode, stderr } = await local.run(
    ['ip', 'netns', 'exec', namespace, '/usr/bin/python3', '-c', program],
    { stdin: frames.map((frame) => `${frame.toString('hex')}\n`).join('') },
  );
  if (exitCode !== 0) throw new Error(stderr);
}

function ethernet(to: string, from: string, type: number): Buffer {
  const head = Buffer.from([...macBytes(to), ...macBytes(from), 0, 0]);
  head.writeUInt16BE(type, 12);
  return head;
}

const bytesOf = (address: string) => address.split('.').map(Number);
const macBytes = (mac: string) => mac.split(':').map((byte) => Number.parseInt(byte, 16));

function checksum(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += data.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}
