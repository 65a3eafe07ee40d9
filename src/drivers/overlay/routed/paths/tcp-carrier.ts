import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createConnection, type Socket } from 'node:net';
import type { Endpoint } from './config.ts';
import { overTcp } from './frame-socket.ts';

const retryMs = 2000;

/** Carries one WireGuard link by TCP: the device here talks to a port on the loopback instead of the relay. */
export interface TcpCarrier {
  /** What the device is to take for the relay. */
  readonly endpoint: Endpoint;
  close(): void;
}

/** @param to the relay's address and its port for TCP. A lost connection is made again as long as it is open. */
export async function openTcpCarrier(to: Endpoint): Promise<TcpCarrier> {
  const udp = await bindLoopback();
  let device: number | undefined;
  let tcp: Socket | undefined;
  let send: (datagram: Uint8Array) => void = () => undefined;
  let timer: NodeJS.Timeout | undefined;

  const connect = () => {
    const socket = createConnection({ host: to.address, port: to.port });
    tcp = socket;
    socket.on('error', () => undefined);
    send = overTcp(socket, (datagram) => {
      if (device !== undefined) udp.send(datagram, device, '127.0.0.1', () => undefined);
    });
    socket.on('close', () => (timer = setTimeout(connect, retryMs)));
  };
  udp.on('message', (datagram, { port }) => {
    device = port;
    send(datagram);
  });
  connect();
  return {
    endpoint: { address: '127.0.0.1', port: udp.address().port },
    close() {
      tcp?.removeAllListeners('close');
      tcp?.destroy();
      clearTimeout(timer);
      udp.close();
    },
  };
}

export function bindLoopback(): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1024 ** 2 });
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
