import { createServer, type Server, type Socket } from 'node:net';
import { overTcp } from './frame-socket.ts';
import { bindLoopback } from './tcp-carrier.ts';

const maximumConnections = 512;
const maximumPerAddress = 64;
/** Who says nothing in this time is not WireGuard. */
const firstFrameMs = 5000;
/** WireGuard's smallest message: a keepalive. */
const smallest = 32;

/**
 * The relay's end of links by TCP. Anyone may connect; what they send is handed to the device, which knows its
 * peers. Each connection has its own port on the loopback, by which the device tells them apart.
 *
 * @param devicePort UDP port of the relay's device, asked anew for each connection.
 */
export function listenForCarriers(
  port: number,
  devicePort: () => number | undefined,
  onError: (error: Error) => void,
): Server {
  const perAddress = new Map<string, number>();
  const server = createServer((socket) => {
    const from = socket.remoteAddress ?? '';
    const count = (perAddress.get(from) ?? 0) + 1;
    perAddress.set(from, count);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const left = (perAddress.get(from) ?? 1) - 1;
      if (left > 0) perAddress.set(from, left);
      else perAddress.delete(from);
    });
    const to = devicePort();
    if (count > maximumPerAddress || to === undefined) socket.destroy();
    else handOver(socket, to).catch(() => socket.destroy());
  });
  server.maxConnections = maximumConnections;
  server.on('error', onError);
  server.listen(port, '0.0.0.0');
  return server;
}

async function handOver(socket: Socket, devicePort: number): Promise<void> {
  const early: Buffer[] = [];
  let deliver = (datagram: Buffer): void => {
    if (early.length < 16) early.push(Buffer.from(datagram));
  };
  let begun = false;
  const send = overTcp(socket, (datagram) => {
    begun = true;
    if (isWireGuard(datagram)) deliver(datagram);
    else socket.destroy();
  });
  const timer = setTimeout(() => {
    if (!begun) socket.destroy();
  }, firstFrameMs);
  socket.on('close', () => clearTimeout(timer));
  const udp = await bindLoopback();
  if (socket.destroyed) {
    udp.close();
    return;
  }
  socket.on('close', () => udp.close());
  udp.on('message', (datagram, { port }) => {
    if (port === devicePort) send(datagram);
  });
  deliver = (datagram) => udp.send(datagram, devicePort, '127.0.0.1', () => undefined);
  for (const datagram of early) deliver(datagram);
}

/** One of its four messages, to judge by the beginning. Whose it is, the device judges by its keys. */
function isWireGuard(datagram: Buffer): boolean {
  const type = datagram.length >= smallest ? datagram.readUInt32LE(0) : 0;
  return type >= 1 && type <= 4;
}
